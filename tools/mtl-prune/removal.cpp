// Removal of removal.h: marks what goes, selects what stays, patches the constants that count channels.
#include "mtl-prune/removal.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "mtl/op_table.h"

namespace tenfold::mtl_prune {
namespace {

using mtl::Node;
using mtl::Op;

using Kept = std::vector<std::vector<char>>;  // [set][unit]: 1 stays

std::string name_of(const UnitSet& set, const Units& units) {
  const std::vector<std::string> producers = parameters(units, set, Role::producer);
  return "set " + std::to_string(set.id) + (producers.empty() ? "" : " (" + producers.front() + ")");
}

void check_set(const UnitSet& set, const Units& units, const std::vector<char>& kept) {
  for (std::size_t u = 0; u < kept.size(); ++u)
    if (kept[u] == 0 && set.units[u].locked)
      input_error("plan: " + name_of(set, units) + ": unit " + std::to_string(u) + " is locked: " + set.why);
  if (std::ranges::find(kept, 1) == kept.end()) input_error("plan: " + name_of(set, units) + " keeps no unit; one must stay");
  for (const std::vector<int>& cover : set.covers) {
    if (std::ranges::none_of(cover, [&](int u) { return kept[static_cast<std::size_t>(u)] != 0; }))
      input_error("plan: " + name_of(set, units) + ": some tensor would have no channel left; keep one of the units from " +
                  std::to_string(cover.front()));
  }
  for (const Balance& balance : set.balances) {
    std::int64_t first = -1;
    for (const std::vector<int>& block : balance.blocks) {
      const std::int64_t count = std::ranges::count_if(block, [&](int u) { return kept[static_cast<std::size_t>(u)] != 0; });
      if (first < 0) first = count;
      if (count != first)
        input_error("plan: " + name_of(set, units) + ": the groups of node " + balance.why + " would keep " +
                    std::to_string(first) + " and " + std::to_string(count) + " channels; they must keep the same number");
    }
  }
}

Kept kept_units(const Units& units, const Plan& plan) {
  if (plan.sets.size() != units.sets.size())
    input_error("plan: it has " + std::to_string(plan.sets.size()) + " sets, the model " + std::to_string(units.sets.size()));
  Kept kept;
  for (std::size_t s = 0; s < units.sets.size(); ++s) {
    const UnitSet& set = units.sets[s];
    if (plan.sets[s].size != static_cast<std::int64_t>(set.units.size()))
      input_error("plan: " + name_of(set, units) + " has " + std::to_string(set.units.size()) + " units, in the plan " +
                  std::to_string(plan.sets[s].size));
    std::vector<char>& of_set = kept.emplace_back(set.units.size(), 0);
    for (const std::int64_t u : plan.sets[s].keep) of_set[static_cast<std::size_t>(u)] = 1;
    check_set(set, units, of_set);
  }
  return kept;
}

bool stays(const Kept& kept, const UnitRef& unit) {
  return unit.set < 0 || kept[static_cast<std::size_t>(unit.set)][static_cast<std::size_t>(unit.unit)] != 0;
}

std::int64_t count_kept(const Kept& kept, const ChannelMap& map, std::int64_t begin, std::int64_t end) {
  std::int64_t count = 0;
  for (std::int64_t i = begin; i < end; ++i) count += stays(kept, map.units[static_cast<std::size_t>(i)]) ? 1 : 0;
  return count;
}
std::int64_t count_kept(const Kept& kept, const ChannelMap& map) {
  return count_kept(kept, map, 0, static_cast<std::int64_t>(map.units.size()));
}

// Columns of a grouped convolution: for the rows of group q the columns j with q * width + j in `keep`.
mtl::Tensor select_grouped(const mtl::Tensor& tensor, std::int64_t groups, const std::vector<std::int64_t>& keep) {
  const std::int64_t rows = tensor.shape[0], width = tensor.shape[1];
  const std::int64_t inner = mtl::elements(tensor.shape) / (rows * width);
  mtl::Tensor result{tensor.shape, {}};
  result.shape[1] = static_cast<std::int64_t>(keep.size()) / groups;
  result.values.reserve(static_cast<std::size_t>(mtl::elements(result.shape)));
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t q = r / (rows / groups);
    for (std::int64_t k = q * result.shape[1]; k < (q + 1) * result.shape[1]; ++k) {
      const std::int64_t column = keep[static_cast<std::size_t>(k)] - q * width;
      const auto from = tensor.values.begin() + (r * width + column) * inner;
      result.values.insert(result.values.end(), from, from + inner);
    }
  }
  return result;
}

void patch(Node& node, const std::string& attribute, std::int64_t value, Plan& plan) {
  const std::int64_t old = mtl::integer(node, attribute);
  if (old == value) return;
  node.attributes[attribute] = value;
  plan.patches.push_back({node.id, attribute, {old}, {value}});
}

// The bounds move with the channels that go before them.
void patch_slice(Node& node, const ChannelMap& input, const Kept& kept, Plan& plan) {
  const auto size = static_cast<std::int64_t>(input.units.size());
  const std::int64_t dim = mtl::integer(node, "dim"), start = mtl::integer(node, "start"), end = mtl::integer(node, "end");
  if ((dim < 0 ? dim + input.rank : dim) != input.axis) return;
  const auto kept_before = [&](std::int64_t at) {
    return count_kept(kept, input, 0, std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size));
  };
  if (start != 0) patch(node, "start", kept_before(start), plan);
  if (end < size) patch(node, "end", kept_before(end), plan);
}

// A constant of the new shape that counts channels; 0 and -1 follow by themselves.
void patch_reshape(Node& node, const ChannelMap& result, const Kept& kept, Plan& plan) {
  std::vector<std::int64_t> shape = mtl::integers(node, "shape");
  std::int64_t& channels = shape[static_cast<std::size_t>(result.axis)];
  if (channels <= 0 || channels == count_kept(kept, result)) return;
  const std::vector<std::int64_t> old = shape;
  channels = count_kept(kept, result);
  plan.patches.push_back({node.id, "shape", old, shape});
  node.attributes["shape"] = shape;
}

void patch_node(Node& node, int index, const Units& units, const mtl::Model& source, const Kept& kept, Plan& plan) {
  if (node.inputs.empty() || node.inputs.front().kind != mtl::Operand::Kind::node) return;
  const ChannelMap& input = units.nodes[static_cast<std::size_t>(node.inputs.front().node)];
  if (input.axis < 0) return;
  const auto channels = static_cast<std::int64_t>(input.units.size());
  switch (node.op) {
    case Op::conv2d:
    case Op::conv_transpose2d: {  // depthwise: as many groups as channels
      const mtl::Shape& weight = source.weights.at(node.parameters.at("weight")).shape;
      const std::int64_t groups = mtl::integer(node, "groups");
      const std::int64_t in = node.op == Op::conv2d ? weight[1] * groups : weight[0];
      if (groups > 1 && groups == in) patch(node, "groups", count_kept(kept, input), plan);
      return;
    }
    case Op::group_norm: {
      const std::int64_t groups = mtl::integer(node, "num_groups");
      return patch(node, "num_groups", count_kept(kept, input) * groups / channels, plan);
    }
    case Op::slice: return patch_slice(node, input, kept, plan);
    case Op::reshape:
      if (units.nodes[static_cast<std::size_t>(index)].axis >= 0)
        patch_reshape(node, units.nodes[static_cast<std::size_t>(index)], kept, plan);
      return;
    default: return;
  }
}

bool reads_channels(const Node& node, const ChannelMap& input, const mtl::Model& model) {
  if (input.axis < 0) return false;
  if (node.op == Op::linear) return input.axis == input.rank - 1;
  if (node.op != Op::conv2d && node.op != Op::conv_transpose2d) return false;
  const mtl::Shape& weight = model.weights.at(node.parameters.at("weight")).shape;
  const std::int64_t groups = mtl::integer(node, "groups");
  const std::int64_t in = node.op == Op::conv2d ? weight[1] * groups : weight[0];
  return groups == 1 || groups != in;  // a depthwise one only passes channels on
}

}  // namespace

std::vector<KeptIndices> kept_indices(const Units& units, const Plan& plan) {
  const Kept kept = kept_units(units, plan);
  std::vector<std::vector<char>> gone(units.dimensions.size());
  for (std::size_t s = 0; s < units.sets.size(); ++s) {
    for (std::size_t u = 0; u < kept[s].size(); ++u) {
      if (kept[s][u] != 0) continue;
      for (const Slice& slice : units.slices(units.sets[s].units[u])) {
        std::vector<char>& of_dimension = gone[static_cast<std::size_t>(slice.dimension)];
        of_dimension.resize(static_cast<std::size_t>(units.dimension(slice).size), 0);
        for (const std::int64_t index : units.indices(slice)) of_dimension[static_cast<std::size_t>(index)] = 1;
      }
    }
  }
  std::vector<KeptIndices> result;
  for (std::size_t d = 0; d < gone.size(); ++d) {
    if (gone[d].empty()) continue;
    KeptIndices& entry = result.emplace_back(KeptIndices{&units.dimensions[d], {}});
    for (std::size_t i = 0; i < gone[d].size(); ++i)
      if (gone[d][i] == 0) entry.keep.push_back(static_cast<std::int64_t>(i));
  }
  // Columns of groups are told by the rows as they were, so that they go before the rows do.
  std::ranges::sort(result, {}, [](const KeptIndices& k) { return std::pair(k.dimension->groups == 1, k.dimension); });
  return result;
}

mtl::Tensor keep_of(const mtl::Tensor& tensor, const std::string& parameter, const std::vector<KeptIndices>& kept) {
  mtl::Tensor result = tensor;
  for (const KeptIndices& entry : kept) {
    if (entry.dimension->parameter != parameter) continue;
    result = entry.dimension->groups > 1 ? select_grouped(result, entry.dimension->groups, entry.keep)
                                         : mtl::select(result, entry.dimension->dim, entry.keep);
  }
  return result;
}

mtl::Model remove_units(const mtl::Model& model, const Units& units, Plan& plan) {
  const std::string sha256 = mtl::weights_sha256(model.weights);
  if (plan.source_weights_sha256 != sha256)
    input_error("plan: made for weights " + plan.source_weights_sha256 + ", these are " + sha256);
  mtl::Model small = model;
  for (const KeptIndices& entry : kept_indices(units, plan)) {
    mtl::Tensor& tensor = small.weights.at(entry.dimension->parameter);
    tensor = entry.dimension->groups > 1 ? select_grouped(tensor, entry.dimension->groups, entry.keep)
                                         : mtl::select(tensor, entry.dimension->dim, entry.keep);
  }
  plan.patches.clear();
  const Kept kept = kept_units(units, plan);
  for (std::size_t n = 0; n < small.graph.nodes.size(); ++n)
    patch_node(small.graph.nodes[n], static_cast<int>(n), units, model, kept, plan);
  mtl::complete(small.graph, small.weights);
  return small;
}

std::map<int, std::vector<float>> read_masks(const mtl::Model& model, const Units& units, const Plan& plan) {
  const Kept kept = kept_units(units, plan);
  std::map<int, std::vector<float>> masks;
  for (std::size_t n = 1; n < model.graph.nodes.size(); ++n) {
    const Node& node = model.graph.nodes[n];
    if (node.inputs.front().kind != mtl::Operand::Kind::node) continue;
    const ChannelMap& input = units.nodes[static_cast<std::size_t>(node.inputs.front().node)];
    if (!reads_channels(node, input, model)) continue;
    std::vector<float> mask;
    for (const UnitRef& unit : input.units) mask.push_back(stays(kept, unit) ? 1.0F : 0.0F);
    if (std::ranges::find(mask, 0.0F) != mask.end()) masks.emplace(static_cast<int>(n), std::move(mask));
  }
  return masks;
}

}  // namespace tenfold::mtl_prune
