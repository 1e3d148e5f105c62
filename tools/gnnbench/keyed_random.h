// Random numbers as functions of what they are drawn for: (seed; update, node, draw, layer and purpose). They do not depend on
// threads, workers, batch order or resumption, and every worker that holds a copy of a node draws the same for it. Philox4x32-10
// with key = the 64-bit seed and counter = {update, node, draw, layer << 16 | purpose}.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/philox.h"

namespace tenfold::gnnbench {

// Part of every stored stream: never renumber.
enum class Purpose : std::uint16_t {
  init = 1,
  dropout = 2,
  dropout_input = 3,
  dropout_attention = 4,
  epoch_order = 5,
  ns = 6,
  labor = 7,
  cluster_order = 8,
  bns = 9,
  split = 10,
  generate = 11,
  partition = 12
};

struct RandomKey {
  std::uint64_t seed = 1;

  // Four words for one (update, node, draw); layer < 2^16.
  std::array<std::uint32_t, 4> words(Purpose purpose, std::uint32_t update, std::uint32_t layer, std::uint32_t node,
                                     std::uint32_t draw) const {
    return philox4x32({update, node, draw, layer << 16 | static_cast<std::uint32_t>(purpose)},
                      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  }
  // [0, 1) from 53 bits of the first two words.
  double uniform(Purpose purpose, std::uint32_t update, std::uint32_t layer, std::uint32_t node, std::uint32_t draw = 0) const {
    const auto w = words(purpose, update, layer, node, draw);
    return static_cast<double>((static_cast<std::uint64_t>(w[0]) << 32 | w[1]) >> 11) * 0x1p-53;
  }
};

}  // namespace tenfold::gnnbench
