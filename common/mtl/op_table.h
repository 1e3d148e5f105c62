// What every operation of a graph is made of: how many operands, which parameters, which attributes with their defaults.
// The one place that reading, checking, writing and lowering go by.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mtl/graph.h"

namespace tenfold::mtl {

enum class AttributeKind : std::uint8_t {
  boolean,
  integer,
  real,
  text,
  pair,  // [height, width]; a single number stands for both
  list,
  node,  // text: the id of an earlier node
};

struct AttributeSpec {
  std::string name;
  AttributeKind kind = AttributeKind::integer;
  bool required = false;
  std::optional<Attribute> fallback;  // what an absent one is; nothing: it stays absent
  std::int64_t least = std::numeric_limits<std::int64_t>::min();  // of every integer in it
  std::vector<std::string> choices;   // of text; empty: any
};

struct RoleSpec {
  std::string name;
  bool required = false;
  int rank = 1;  // -1: any
};

struct OpSpec {
  Op op = Op::identity;
  std::string name;
  int least_operands = 1, most_operands = 1;
  bool nodes_only = true;  // operands are nodes; else parameters and numbers too, with at least one node
  std::vector<RoleSpec> roles;
  std::vector<AttributeSpec> attributes;

  const AttributeSpec* attribute(std::string_view name) const;
  const RoleSpec* role(std::string_view name) const;
};

const OpSpec& spec_of(Op op);
const std::vector<OpSpec>& all_ops();  // in the order of Op

// complete() for one node whose predecessors are complete. Throws Error input `node ID (SOURCE): ...`.
void complete_node(Graph& graph, int node, const Weights& weights);
// The outputs of a graph whose nodes are complete: at least one, at most 64, names unique.
void check_outputs(const Graph& graph);

// "node c1 (model.py:41)".
std::string describe(const Node& node);
[[noreturn]] void node_error(const Node& node, const std::string& message);  // Error input

}  // namespace tenfold::mtl
