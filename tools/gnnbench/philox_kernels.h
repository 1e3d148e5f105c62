// Philox4x32-10 of many counters at once, once an instruction set: philox_plain.cpp, philox_avx2.cpp, philox_avx512.cpp, all of
// philox_body.h. The words are those of RandomKey::words, to the bit.
#pragma once

#include <cstdint>

#include "base/instruction_set.h"
#include "gnnbench/keyed_random.h"

namespace tenfold::gnnbench {

// What all counters of a call share.
struct PhiloxCommon {
  std::uint32_t key0 = 0, key1 = 0, update = 0, last = 0;  // last: layer << 16 | purpose

  PhiloxCommon(RandomKey key, Purpose purpose, std::uint32_t update_, std::uint32_t layer)
      : key0(static_cast<std::uint32_t>(key.seed)),
        key1(static_cast<std::uint32_t>(key.seed >> 32)),
        update(update_),
        last(layer << 16 | static_cast<std::uint32_t>(purpose)) {}
};

template <class Real>
struct MaskArguments {
  PhiloxCommon common;
  std::uint64_t threshold = 0;     // a word below it drops
  Real scale = 1;
  const std::int32_t* nodes = nullptr;  // null: row i is node i
  const Real* x = nullptr;
  Real* out = nullptr;
  std::int64_t width = 0;
};

struct PhiloxKernels {
  // Rows [begin, end) of dropout, and of ReLU then dropout.
  void (*mask_rows)(const MaskArguments<float>& arguments, std::int64_t begin, std::int64_t end);
  void (*relu_mask_rows)(const MaskArguments<float>& arguments, std::int64_t begin, std::int64_t end);
  // keep[i]: bit k is set iff word k of (node[i], draw[i]) is at least threshold. `node` and `draw` hold multiples of 16.
  void (*keep_bits)(const PhiloxCommon& common, std::uint64_t threshold, const std::uint32_t* node, const std::uint32_t* draw,
                    std::int64_t count, std::uint8_t* keep);
  // out[i] = the 53 bits of RandomKey::uniform(.., node[i], 0). Any count.
  void (*uniform_bits)(const PhiloxCommon& common, const std::int32_t* node, std::int64_t count, std::uint64_t* out);
};
extern const PhiloxKernels kPhiloxPlain, kPhiloxAvx2, kPhiloxAvx512;
void mask_rows_double(const MaskArguments<double>& arguments, std::int64_t begin, std::int64_t end);
void relu_mask_rows_double(const MaskArguments<double>& arguments, std::int64_t begin, std::int64_t end);

const PhiloxKernels& philox_kernels(InstructionSet set);

}  // namespace tenfold::gnnbench
