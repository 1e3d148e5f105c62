#include "mtl/graph.h"

#include <algorithm>

#include "base/error.h"
#include "mtl/op_table.h"

namespace tenfold::mtl {
namespace {

template <class T>
const T& attribute(const Node& node, std::string_view name) {
  const auto found = node.attributes.find(std::string(name));
  if (found == node.attributes.end()) machine_error(describe(node) + ": attribute " + std::string(name) + " is not there");
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) machine_error(describe(node) + ": attribute " + std::string(name) + " is of another kind");
  return *value;
}

// What a node reads of other nodes: its operands and the node whose size it takes.
template <class Visit>
void for_each_read(const Graph& graph, const Node& node, const Visit& visit) {
  for (const Operand& operand : node.inputs)
    if (operand.kind == Operand::Kind::node) visit(operand.node);
  if (has(node, "size_of")) visit(graph.find(text(node, "size_of")));
}

}  // namespace

bool flag(const Node& node, std::string_view name) { return attribute<bool>(node, name); }
std::int64_t integer(const Node& node, std::string_view name) { return attribute<std::int64_t>(node, name); }
const std::string& text(const Node& node, std::string_view name) { return attribute<std::string>(node, name); }
const std::vector<std::int64_t>& integers(const Node& node, std::string_view name) {
  return attribute<std::vector<std::int64_t>>(node, name);
}

double real(const Node& node, std::string_view name) {
  const auto found = node.attributes.find(std::string(name));
  if (found != node.attributes.end())
    if (const auto* whole = std::get_if<std::int64_t>(&found->second)) return static_cast<double>(*whole);
  return attribute<double>(node, name);
}

bool has(const Node& node, std::string_view name) { return node.attributes.contains(std::string(name)); }

int Graph::find(std::string_view id) const {
  const auto found = std::ranges::find(nodes, id, &Node::id);
  return found == nodes.end() ? -1 : static_cast<int>(found - nodes.begin());
}

std::vector<std::uint64_t> reached_outputs(const Graph& graph) {
  std::vector<std::uint64_t> reached(graph.nodes.size(), 0);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i)
    reached[static_cast<std::size_t>(graph.outputs[i].node)] |= std::uint64_t{1} << i;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    // A size that is read carries no values: only operands pass on what they reach.
    for (const Operand& operand : graph.nodes[i].inputs)
      if (operand.kind == Operand::Kind::node) reached[static_cast<std::size_t>(operand.node)] |= reached[i];
  }
  return reached;
}

std::map<std::string, std::uint64_t> reached_by_parameter(const Graph& graph) {
  const std::vector<std::uint64_t> reached = reached_outputs(graph);
  std::map<std::string, std::uint64_t> by_parameter;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const auto& [role, name] : graph.nodes[i].parameters) by_parameter[name] |= reached[i];
    for (const Operand& operand : graph.nodes[i].inputs)
      if (operand.kind == Operand::Kind::parameter) by_parameter[operand.parameter] |= reached[i];
  }
  return by_parameter;
}

std::vector<std::vector<int>> readers(const Graph& graph) {
  std::vector<std::vector<int>> readers(graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for_each_read(graph, graph.nodes[i], [&](int read) {
      std::vector<int>& of = readers[static_cast<std::size_t>(read)];
      if (of.empty() || of.back() != static_cast<int>(i)) of.push_back(static_cast<int>(i));
    });
  }
  return readers;
}

}  // namespace tenfold::mtl
