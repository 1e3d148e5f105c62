// Two runs of lowering at two image sizes, made one graph: what differs between them is a size of the image, and is written as
// one.
#include <algorithm>
#include <optional>

#include "base/error.h"
#include "mtl/op_table.h"
#include "mtl/torch/script_lowering.h"

namespace tenfold::mtl {
namespace {

using Ints = std::vector<std::int64_t>;

// The two runs at one node.
struct Pair {
  LoweredScript& first;
  const LoweredScript& second;
  std::size_t index;

  Node& node() const { return first.model.graph.nodes[index]; }
  const Node& other() const { return second.model.graph.nodes[index]; }
  std::size_t input() const { return static_cast<std::size_t>(node().inputs[0].node); }
};

bool spatially(const Shape& shape, const Ints& size) {
  return shape.size() == 4 && size.size() == 2 && shape[2] == size[0] && shape[3] == size[1];
}

// size [h, w] that is another node's, or the input's by a common factor.
bool reconcile_size(const Pair& pair) {
  const Ints a = integers(pair.node(), "size"), b = integers(pair.other(), "size");
  for (std::size_t i = 0; i < pair.index; ++i) {
    if (!spatially(pair.first.shapes[i], a) || !spatially(pair.second.shapes[i], b)) continue;
    pair.node().attributes.erase("size");
    pair.node().attributes["size_of"] = pair.first.model.graph.nodes[i].id;
    return true;
  }
  const Shape &in_a = pair.first.shapes[pair.input()], &in_b = pair.second.shapes[pair.input()];
  const double scale = static_cast<double>(a[0]) / static_cast<double>(in_a[2]);
  const auto exact = [&](const Ints& size, const Shape& in) {
    return static_cast<double>(in[2]) * scale == static_cast<double>(size[0]) &&
           static_cast<double>(in[3]) * scale == static_cast<double>(size[1]);
  };
  if (!exact(a, in_a) || !exact(b, in_b)) return false;
  pair.node().attributes.erase("size");
  pair.node().attributes["scale"] = scale;
  return true;
}

// Dimensions that are the input's own are copied (0), one more may be inferred (-1).
bool reconcile_shape(const Pair& pair) {
  Ints a = integers(pair.node(), "shape");
  const Ints& b = integers(pair.other(), "shape");
  if (a.size() != b.size()) return false;
  const Shape &in_a = pair.first.shapes[pair.input()], &in_b = pair.second.shapes[pair.input()];
  bool inferred = std::ranges::find(a, -1) != a.end();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    if (i < in_a.size() && i < in_b.size() && in_a[i] == a[i] && in_b[i] == b[i]) {
      a[i] = 0;
    } else if (!inferred) {
      a[i] = -1;
      inferred = true;
    } else {
      return false;
    }
  }
  pair.node().attributes["shape"] = a;
  return true;
}

// A bound at or behind the end of its dimension in both runs is the end.
bool reconcile_slice(const Pair& pair) {
  if (integer(pair.node(), "start") != integer(pair.other(), "start")) return false;
  const std::int64_t dim = integer(pair.node(), "dim");
  const auto at_end = [&](const Node& node, const Shape& in) {
    return integer(node, "end") >= in.at(static_cast<std::size_t>(dim < 0 ? dim + static_cast<std::int64_t>(in.size()) : dim));
  };
  if (!at_end(pair.node(), pair.first.shapes[pair.input()]) || !at_end(pair.other(), pair.second.shapes[pair.input()]))
    return false;
  pair.node().attributes["end"] = std::numeric_limits<std::int64_t>::max();
  return true;
}

// Pooling over the whole map, written with the map's size as the kernel.
bool reconcile_pool(const Pair& pair) {
  const auto whole = [](const Node& node, const Shape& in) {
    return spatially(in, integers(node, "kernel_size")) && integers(node, "padding") == Ints{0, 0} &&
           !has(node, "divisor_override");
  };
  if (!whole(pair.node(), pair.first.shapes[pair.input()]) || !whole(pair.other(), pair.second.shapes[pair.input()]))
    return false;
  pair.node().op = pair.node().op == Op::avg_pool2d ? Op::adaptive_avg_pool2d : Op::adaptive_max_pool2d;
  pair.node().attributes = {{"output_size", Ints{1, 1}}};
  return true;
}

bool reconcile_attributes(const Pair& pair) {
  switch (pair.node().op) {
    case Op::upsample: return has(pair.node(), "size") && has(pair.other(), "size") && reconcile_size(pair);
    case Op::reshape: return reconcile_shape(pair);
    case Op::slice: return reconcile_slice(pair);
    case Op::avg_pool2d:
    case Op::max_pool2d: return reconcile_pool(pair);
    default: return false;
  }
}

bool same_operand(const Operand& a, const Operand& b) {
  return a.kind == b.kind && a.node == b.node && a.parameter == b.parameter && a.number == b.number;
}

}  // namespace

LoweredScript reconcile(LoweredScript first, const LoweredScript& second) {
  const std::size_t count = std::min(first.model.graph.nodes.size(), second.model.graph.nodes.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Pair pair{first, second, i};
    Node& a = pair.node();
    const Node& b = pair.other();
    const bool same_node = a.id == b.id && a.op == b.op && a.parameters == b.parameters && a.inputs.size() == b.inputs.size() &&
                           first.origins[i].ordinal == second.origins[i].ordinal;
    if (!same_node) node_error(a, "a condition on the image's size takes another way at a second size");
    for (std::size_t k = 0; k < a.inputs.size(); ++k)
      if (!same_operand(a.inputs[k], b.inputs[k])) node_error(a, "what it reads depends on the image's size");
    if (a.attributes != b.attributes && !reconcile_attributes(pair))
      node_error(a, "its attributes depend on the image's size in a way that a graph does not express");
  }
  if (first.model.graph.nodes.size() != second.model.graph.nodes.size() ||
      first.model.graph.outputs.size() != second.model.graph.outputs.size())
    input_error("a condition on the image's size takes another way at a second size");
  complete(first.model.graph, first.model.weights);
  return first;
}

}  // namespace tenfold::mtl
