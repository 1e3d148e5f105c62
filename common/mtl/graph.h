// A network with several heads as a flat list of nodes: one input, the image [N, C, H, W], and named outputs. What models are
// lowered to, pruned in, executed from and written as. Operations, attributes and their defaults are those of the ATen function
// of the same name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mtl/tensor.h"

namespace tenfold::mtl {

enum class Op : std::uint8_t {
  image,  // node 0 of every graph, id "image"
  conv2d,
  conv_transpose2d,
  linear,
  batch_norm,
  instance_norm,
  group_norm,
  layer_norm,
  relu,
  relu6,
  leaky_relu,
  prelu,
  silu,
  gelu,
  hardswish,
  hardsigmoid,
  hardtanh,
  sigmoid,
  tanh,
  softplus,
  exp,
  log,
  abs,
  neg,
  sqrt,
  clamp,
  add,
  sub,
  mul,
  div,
  max,
  min,
  cat,
  slice,
  max_pool2d,
  avg_pool2d,
  adaptive_avg_pool2d,
  adaptive_max_pool2d,
  upsample,
  flatten,
  reshape,
  permute,
  squeeze,
  unsqueeze,
  softmax,
  log_softmax,
  mean,
  sum,
  argmax,
  l2_normalize,
  pad,
  pixel_shuffle,
  matmul,
  dropout,
  identity
};

std::string_view name_of(Op op);                    // "conv2d"
bool op_from_name(std::string_view name, Op& op);  // false: no such operation

// What a node reads: another node's result, a parameter (in add, mul and their like), or a number.
struct Operand {
  enum class Kind : std::uint8_t { node, parameter, number };
  Kind kind = Kind::node;
  int node = 0;           // index into Graph::nodes, smaller than the reader's own
  std::string parameter;  // name in Model::weights
  double number = 0;
};

// Pairs (stride, padding ...) are lists of two once a graph is in memory, whatever the file said.
using Attribute = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>>;

struct Node {
  std::string id;  // unique in the graph
  Op op = Op::identity;
  std::vector<Operand> inputs;
  std::map<std::string, std::string> parameters;  // role (weight, bias, running_mean, running_var) -> name in Model::weights
  std::map<std::string, Attribute> attributes;  // every attribute the operation has, defaults filled in; "size_of" of upsample
                                                // names a node, which counts as read
  std::string source;  // "model.py:41", "" where unknown
};

// Typed reads of an attribute that the reader knows to be there (graph_check fills the defaults). Throws Error machine otherwise.
bool flag(const Node& node, std::string_view name);
std::int64_t integer(const Node& node, std::string_view name);
double real(const Node& node, std::string_view name);  // an integer counts
const std::string& text(const Node& node, std::string_view name);
const std::vector<std::int64_t>& integers(const Node& node, std::string_view name);
bool has(const Node& node, std::string_view name);

struct Output {
  std::string name;  // what tasks.json calls it
  int node = 0;
};

struct Graph {
  std::vector<Node> nodes;  // in topological order; nodes[0] is the image
  std::vector<Output> outputs;

  int find(std::string_view id) const;  // -1: no such node
};

// Fills in the defaults of attributes, widens scalars to pairs, and checks what can be checked without sizes: operand counts and
// kinds, roles, known attributes and their ranges, topological order, unique ids, parameters that exist with the rank their role
// asks for. Throws Error input `node ID (SOURCE): ...`. Idempotent.
void complete(Graph& graph, const Weights& weights);

// For each node the outputs it reaches, as a bit set over Graph::outputs (at most 64); a parameter reaches what any of its users
// does.
std::vector<std::uint64_t> reached_outputs(const Graph& graph);
std::map<std::string, std::uint64_t> reached_by_parameter(const Graph& graph);

// The nodes that read a node's result, ascending; size_of readers too.
std::vector<std::vector<int>> readers(const Graph& graph);

}  // namespace tenfold::mtl
