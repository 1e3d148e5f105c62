// Small graphs for tests, written as MTG text.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "base/philox.h"
#include "mtl/model.h"

namespace tenfold::mtl {

// Weights of these shapes, drawn by name.
inline Weights drawn(const std::map<std::string, Shape>& shapes, std::uint64_t seed = 1) {
  Weights weights;
  for (const auto& [name, shape] : shapes) {
    PhiloxStream random(seed, name);
    Tensor tensor{shape, std::vector<float>(static_cast<std::size_t>(elements(shape)))};
    for (float& value : tensor.values) value = static_cast<float>(random.normal() / 2);
    if (name.ends_with("var"))
      for (float& value : tensor.values) value = 0.5f + value * value;
    weights.emplace(name, std::move(tensor));
  }
  return weights;
}

// nodes: the text between the brackets of "nodes"; outputs likewise.
inline Model hand_net(const std::string& nodes, const std::string& outputs, Weights weights = {}) {
  return parse_mtg(R"({"mtg":1,"nodes":[)" + nodes + R"(],"outputs":{)" + outputs + "}}", "hand.mtg.json", std::move(weights));
}

}  // namespace tenfold::mtl
