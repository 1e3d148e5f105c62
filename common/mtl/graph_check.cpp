// complete(): defaults filled in, scalars widened to pairs, and everything checked that needs no image size.
#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/suggest.h"
#include "mtl/op_table.h"

namespace tenfold::mtl {
namespace {

using Ints = std::vector<std::int64_t>;

template <class Specs>
std::string suggestion(const std::string& name, const Specs& specs) {
  std::vector<std::string> names;
  for (const auto& spec : specs) names.push_back(spec.name);
  const std::string near = nearest(name, names);
  return near.empty() ? "" : "; did you mean " + near + "?";
}

const char* wanted(AttributeKind kind) {
  switch (kind) {
    case AttributeKind::boolean: return "true or false";
    case AttributeKind::integer: return "an integer";
    case AttributeKind::real: return "a finite number";
    case AttributeKind::text: return "a text";
    case AttributeKind::pair: return "an integer or a list of two";
    case AttributeKind::list: return "a list of integers";
    case AttributeKind::node: return "the id of an earlier node";
  }
  return "";
}

// Brings a value to the form its kind is kept in; false: it is none of that kind.
bool widen(Attribute& value, AttributeKind kind) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    if (kind == AttributeKind::pair || kind == AttributeKind::list) {
      value = kind == AttributeKind::pair ? Ints{*whole, *whole} : Ints{*whole};
    } else if (kind == AttributeKind::real) {
      value = static_cast<double>(*whole);
    }
  }
  if (auto* list = std::get_if<Ints>(&value); list != nullptr && kind == AttributeKind::pair && list->size() == 1)
    list->push_back(list->front());
  switch (kind) {
    case AttributeKind::boolean: return std::holds_alternative<bool>(value);
    case AttributeKind::integer: return std::holds_alternative<std::int64_t>(value);
    case AttributeKind::real: return std::holds_alternative<double>(value) && std::isfinite(std::get<double>(value));
    case AttributeKind::text:
    case AttributeKind::node: return std::holds_alternative<std::string>(value);
    case AttributeKind::pair: return std::holds_alternative<Ints>(value) && std::get<Ints>(value).size() == 2;
    case AttributeKind::list: return std::holds_alternative<Ints>(value);
  }
  return false;
}

void check_range(const Node& node, const AttributeSpec& spec, const Attribute& value) {
  const auto check = [&](std::int64_t v) {
    if (v < spec.least)
      node_error(node, spec.name + " is " + std::to_string(v) + "; at least " + std::to_string(spec.least) + " is needed");
  };
  if (const auto* whole = std::get_if<std::int64_t>(&value)) check(*whole);
  if (const auto* list = std::get_if<Ints>(&value)) std::ranges::for_each(*list, check);
  if (const auto* text = std::get_if<std::string>(&value); text != nullptr && !spec.choices.empty()) {
    if (std::ranges::find(spec.choices, *text) == spec.choices.end()) {
      const std::string near = nearest(*text, spec.choices);
      std::string all;
      for (const std::string& choice : spec.choices) all += (all.empty() ? "" : ", ") + choice;
      node_error(node, spec.name + " " + *text + " is none of " + all + (near.empty() ? "" : "; did you mean " + near + "?"));
    }
  }
}

void complete_attributes(Node& node, const OpSpec& spec) {
  for (const auto& [name, value] : node.attributes)
    if (spec.attribute(name) == nullptr)
      node_error(node, spec.name + " has no attribute " + name + suggestion(name, spec.attributes));
  for (const AttributeSpec& attribute : spec.attributes) {
    auto found = node.attributes.find(attribute.name);
    if (found == node.attributes.end()) {
      if (attribute.required) node_error(node, spec.name + " needs the attribute " + attribute.name);
      if (!attribute.fallback) continue;
      found = node.attributes.emplace(attribute.name, *attribute.fallback).first;
    }
    if (!widen(found->second, attribute.kind)) node_error(node, attribute.name + " is not " + wanted(attribute.kind));
    check_range(node, attribute, found->second);
  }
}

void check_operands(const Graph& graph, int index, const OpSpec& spec, const Weights& weights) {
  const Node& node = graph.nodes[static_cast<std::size_t>(index)];
  const int count = static_cast<int>(node.inputs.size());
  if (count < spec.least_operands || count > spec.most_operands)
    node_error(node, spec.name + " takes " + (spec.most_operands > 2 ? "at least " : "") + std::to_string(spec.least_operands) +
                         (spec.least_operands == 1 ? " operand" : " operands") + ", not " + std::to_string(count));
  bool any_node = false;
  for (const Operand& operand : node.inputs) {
    if (operand.kind == Operand::Kind::node) {
      any_node = true;
      if (operand.node < 0 || operand.node >= index) node_error(node, "reads a node that does not stand before it");
      continue;
    }
    if (spec.nodes_only) node_error(node, spec.name + " reads nodes alone, not a parameter or a number");
    if (operand.kind == Operand::Kind::number) {
      if (node.op == Op::matmul) node_error(node, "matmul reads nodes and parameters, not a number");
      if (!std::isfinite(operand.number)) node_error(node, "reads a number that is not finite");
    } else if (!weights.contains(operand.parameter)) {
      node_error(node, "parameter " + operand.parameter + " is not among the weights");
    }
  }
  if (count > 0 && !any_node) node_error(node, spec.name + " reads no node");
}

void check_parameters(const Node& node, const OpSpec& spec, const Weights& weights) {
  for (const auto& [role, name] : node.parameters)
    if (spec.role(role) == nullptr) node_error(node, spec.name + " has no parameter " + role + suggestion(role, spec.roles));
  for (const RoleSpec& role : spec.roles) {
    const auto found = node.parameters.find(role.name);
    if (found == node.parameters.end()) {
      if (role.required) node_error(node, spec.name + " needs the parameter " + role.name);
      continue;
    }
    const auto tensor = weights.find(found->second);
    if (tensor == weights.end()) node_error(node, role.name + " " + found->second + " is not among the weights");
    const auto rank = static_cast<int>(tensor->second.shape.size());
    if (role.rank >= 0 && rank != role.rank)
      node_error(node, role.name + " " + found->second + " has " + std::to_string(rank) + " dimensions, not " +
                           std::to_string(role.rank));
  }
}

const Shape* shape_of(const Node& node, const std::string& role, const Weights& weights) {
  const auto found = node.parameters.find(role);
  return found == node.parameters.end() ? nullptr : &weights.at(found->second).shape;
}

// Every one-dimensional parameter of the node holds `channels` elements.
void check_lengths(const Node& node, std::int64_t channels, const Weights& weights) {
  for (const auto& [role, name] : node.parameters) {
    const Shape& shape = weights.at(name).shape;
    if (shape.size() == 1 && shape[0] != channels)
      node_error(node, role + " " + name + " holds " + std::to_string(shape[0]) + " elements where " + std::to_string(channels) +
                           " are expected");
  }
}

void check_layer(const Node& node, const Weights& weights) {
  for (const auto& [role, name] : node.parameters)
    if (elements(weights.at(name).shape) == 0) node_error(node, role + " " + name + " is empty");
  if (node.op == Op::conv2d || node.op == Op::conv_transpose2d) {
    const Shape& weight = *shape_of(node, "weight", weights);
    const std::int64_t groups = integer(node, "groups");
    if (weight[0] % groups != 0)
      node_error(node, std::to_string(weight[0]) + " channels do not divide into " + std::to_string(groups) + " groups");
    check_lengths(node, node.op == Op::conv2d ? weight[0] : weight[1] * groups, weights);
  } else if (node.op == Op::linear) {
    check_lengths(node, (*shape_of(node, "weight", weights))[0], weights);
  } else if (node.op == Op::batch_norm) {
    check_lengths(node, (*shape_of(node, "running_mean", weights))[0], weights);
  } else if (node.op == Op::instance_norm || node.op == Op::group_norm) {
    if (node.parameters.size() == 2) check_lengths(node, (*shape_of(node, "weight", weights))[0], weights);
  } else if (node.op == Op::layer_norm) {
    for (const auto& [role, name] : node.parameters)
      if (weights.at(name).shape != integers(node, "normalized_shape"))
        node_error(node, role + " " + name + " is not of normalized_shape");
  }
}

void check_upsample(const Graph& graph, int index) {
  const Node& node = graph.nodes[static_cast<std::size_t>(index)];
  const int given = has(node, "size") + has(node, "scale") + has(node, "size_of");
  if (given != 1) node_error(node, "upsample takes one of size, scale and size_of, not " + std::to_string(given));
  if (has(node, "scale") && !(real(node, "scale") > 0)) node_error(node, "scale is not positive");
  if (has(node, "size_of")) {
    const int of = graph.find(text(node, "size_of"));
    if (of < 0 || of >= index) node_error(node, "size_of " + text(node, "size_of") + " names no node that stands before it");
  }
  if (flag(node, "align_corners") && text(node, "mode") == "nearest") node_error(node, "nearest has no align_corners");
}

void check_values(const Graph& graph, int index) {
  const Node& node = graph.nodes[static_cast<std::size_t>(index)];
  switch (node.op) {
    case Op::upsample: check_upsample(graph, index); break;
    case Op::clamp:
      if (!has(node, "min") && !has(node, "max")) node_error(node, "clamp needs min or max");
      break;
    case Op::reshape:
      if (std::ranges::count(integers(node, "shape"), -1) > 1) node_error(node, "shape has more than one -1");
      break;
    case Op::pad:
      if (integers(node, "pad").size() % 2 != 0) node_error(node, "pad holds an odd number of widths");
      break;
    case Op::permute: {
      Ints dims = integers(node, "dims");
      const auto rank = static_cast<std::int64_t>(dims.size());
      for (std::int64_t& dim : dims) dim += dim < 0 ? rank : 0;
      std::ranges::sort(dims);
      for (std::int64_t i = 0; i < rank; ++i)
        if (dims[static_cast<std::size_t>(i)] != i) node_error(node, "dims is no permutation");
      break;
    }
    case Op::dropout:
      if (real(node, "p") < 0 || real(node, "p") > 1) node_error(node, "p is not in [0, 1]");
      break;
    default: break;
  }
}

}  // namespace

std::string describe(const Node& node) { return "node " + node.id + (node.source.empty() ? "" : " (" + node.source + ")"); }

void node_error(const Node& node, const std::string& message) { input_error(describe(node) + ": " + message); }

void complete_node(Graph& graph, int index, const Weights& weights) {
  Node& node = graph.nodes[static_cast<std::size_t>(index)];
  const OpSpec& spec = spec_of(node.op);
  if (node.id.empty()) input_error("node " + std::to_string(index) + " has no id");
  if ((node.op == Op::image) != (index == 0)) node_error(node, "the image is node 0 and no other");
  check_operands(graph, index, spec, weights);
  check_parameters(node, spec, weights);
  if (node.op == Op::max_pool2d || node.op == Op::avg_pool2d)
    if (!has(node, "stride") && has(node, "kernel_size")) node.attributes["stride"] = node.attributes["kernel_size"];
  complete_attributes(node, spec);
  check_layer(node, weights);
  check_values(graph, index);
}

void check_outputs(const Graph& graph) {
  if (graph.outputs.empty()) input_error("the graph has no output");
  if (graph.outputs.size() > 64) input_error("the graph has " + std::to_string(graph.outputs.size()) + " outputs; at most 64");
  std::set<std::string> names;
  for (const Output& output : graph.outputs) {
    if (output.node < 0 || output.node >= static_cast<int>(graph.nodes.size()))
      input_error("output " + output.name + " names no node");
    if (!names.insert(output.name).second) input_error("two outputs are named " + output.name);
  }
}

void complete(Graph& graph, const Weights& weights) {
  if (graph.nodes.empty() || graph.nodes[0].op != Op::image || graph.nodes[0].id != "image")
    input_error("the graph does not begin with the image");
  std::set<std::string> ids;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!ids.insert(graph.nodes[i].id).second) node_error(graph.nodes[i], "another node has this id");
    complete_node(graph, static_cast<int>(i), weights);
  }
  check_outputs(graph);
}

}  // namespace tenfold::mtl
