// Small networks of tests: drawn weights, units at one size, and the plan that drops some of them.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "base/philox.h"
#include "mtl-prune/plan.h"
#include "mtl-prune/removal.h"
#include "mtl-prune/units.h"
#include "mtl/graph_builder.h"
#include "mtl/shapes.h"

namespace small_nets {

using namespace tenfold;
using mtl_prune::Units;

// Every weight drawn; running variances positive.
inline mtl::Model drawn(mtl::GraphBuilder& builder, std::uint64_t seed = 1) {
  mtl::Model model = builder.finish();
  std::uint32_t id = 0;
  for (auto& [name, tensor] : model.weights) {
    PhiloxStream stream(seed, "test weights", id++);
    for (float& value : tensor.values) {
      value = static_cast<float>(0.5 * stream.normal());
      if (name.find("running_var") != std::string::npos) value = 0.5F + value * value;
    }
  }
  return model;
}

inline std::vector<mtl::Shape> shapes_of(const mtl::Model& model, std::int64_t height = 8, std::int64_t width = 10) {
  return mtl::infer_shapes(model, {1, mtl::image_channels(model), height, width});
}

inline Units units_of(const mtl::Model& model, std::int64_t height = 8, std::int64_t width = 10) {
  return mtl_prune::find_units(model, shapes_of(model, height, width));
}

// The set that makes this parameter.
inline int set_making(const Units& units, const std::string& parameter) {
  for (const mtl_prune::UnitSet& set : units.sets)
    for (const std::string& name : parameters(units, set, mtl_prune::Role::producer))
      if (name == parameter) return set.id;
  return -1;
}

inline void drop(mtl_prune::Plan& plan, int set, const std::set<std::int64_t>& units) {
  std::erase_if(plan.sets[static_cast<std::size_t>(set)].keep, [&](std::int64_t u) { return units.contains(u); });
}

// The values of a matrix-like weight that stay in column `column` of row `row` (dims 0 and 1; the rest flattened).
inline std::vector<float> kernel(const mtl::Tensor& tensor, std::int64_t row, std::int64_t column) {
  const std::int64_t inner = mtl::elements(tensor.shape) / (tensor.shape[0] * tensor.shape[1]);
  const auto from = tensor.values.begin() + (row * tensor.shape[1] + column) * inner;
  return {from, from + inner};
}

}  // namespace small_nets
