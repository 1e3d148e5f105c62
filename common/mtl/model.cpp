#include "mtl/model.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/suggest.h"
#include "data/safetensors.h"
#include "mtl/op_table.h"
#include "mtl/tasks_json.h"

namespace tenfold::mtl {
namespace {

using data::JsonKind;
using data::JsonValue;
using Ints = std::vector<std::int64_t>;

Attribute read_attribute(const StrictJson& json, const JsonValue& value, const std::string& name) {
  switch (value.kind) {
    case JsonKind::boolean: return value.boolean;
    case JsonKind::string: return value.string();
    case JsonKind::number:
      if (value.is_integer_literal) return json.integer(value, name);
      return json.number(value, name);
    case JsonKind::array: {
      Ints list;
      for (const JsonValue& element : value.array()) list.push_back(json.integer(element, name));
      return list;
    }
    default: json.fail(value, name + " is " + data::name_of(value.kind));
  }
}

class GraphReader {
 public:
  GraphReader(StrictJson json, Model& model) : json_(std::move(json)), model_(model) {}

  void read(const JsonValue& root) {
    json_.object(root, "the graph", {"mtg", "input", "tasks", "nodes", "outputs"});
    const JsonValue& version = json_.member(root, "the graph", "mtg");
    if (json_.integer(version, "mtg") != 1) json_.fail(version, "mtg is not 1, the only version there is");
    if (const JsonValue* input = root.find("input")) model_.input = read_input(json_, *input);
    if (const JsonValue* tasks = root.find("tasks")) model_.tasks = read_task_file(json_, *tasks);
    add(Node{"image", Op::image, {}, {}, {}, ""}, root);
    const JsonValue& nodes = json_.member(root, "the graph", "nodes");
    if (!nodes.is_array()) json_.fail(nodes, "nodes is not a list");
    for (const JsonValue& node : nodes.array()) read_node(node);
    read_outputs(json_.member(root, "the graph", "outputs"));
  }

 private:
  void read_node(const JsonValue& value) {
    json_.object(value, "a node", {"id", "op", "in", "param", "attr", "source"});
    Node node;
    node.id = json_.text(json_.member(value, "a node", "id"), "id");
    const std::string what = "node " + node.id;
    const JsonValue& op = json_.member(value, what, "op");
    if (!op_from_name(json_.text(op, "op"), node.op) || node.op == Op::image) unknown_op(op, node.id);
    if (const JsonValue* source = value.find("source")) node.source = json_.text(*source, "source");
    const JsonValue& inputs = json_.member(value, what, "in");
    if (!inputs.is_array()) json_.fail(inputs, what + ": in is not a list");
    for (const JsonValue& input : inputs.array()) node.inputs.push_back(read_operand(input, what));
    if (const JsonValue* parameters = value.find("param")) {
      std::vector<std::string> roles;
      for (const RoleSpec& role : spec_of(node.op).roles) roles.push_back(role.name);
      json_.object(*parameters, what + ": " + op.string(), roles);
      for (const data::JsonMember& member : parameters->object()) node.parameters[member.key] = parameter(member.value, what);
    }
    if (const JsonValue* attributes = value.find("attr")) {
      std::vector<std::string> names;
      for (const AttributeSpec& attribute : spec_of(node.op).attributes) names.push_back(attribute.name);
      json_.object(*attributes, what + ": " + op.string(), names);
      for (const data::JsonMember& member : attributes->object())
        node.attributes[member.key] = read_attribute(json_, member.value, what + ": " + member.key);
    }
    add(std::move(node), value);
  }

  void add(Node node, const JsonValue& place) {
    const auto index = static_cast<int>(model_.graph.nodes.size());
    if (!index_.emplace(node.id, index).second) json_.fail(place, "two nodes are named " + node.id);
    model_.graph.nodes.push_back(std::move(node));
    try {
      complete_node(model_.graph, index, model_.weights);
    } catch (const Error& error) {
      json_.fail(place, error.message());
    }
  }

  Operand read_operand(const JsonValue& value, const std::string& what) {
    Operand operand;
    if (value.is_number()) {
      operand.kind = Operand::Kind::number;
      operand.number = json_.number(value, what + ": in");
    } else if (value.is_object()) {
      json_.object(value, what + ": an operand", {"param"});
      operand.kind = Operand::Kind::parameter;
      operand.parameter = parameter(json_.member(value, what + ": an operand", "param"), what);
    } else {
      operand.node = node(value, what + " reads");
    }
    return operand;
  }

  std::string parameter(const JsonValue& value, const std::string& what) {
    const std::string& name = json_.text(value, what + ": a parameter");
    if (!model_.weights.contains(name)) {
      std::vector<std::string> names;
      for (const auto& [known, tensor] : model_.weights) names.push_back(known);
      const std::string near = nearest(name, names);
      json_.fail(value, what + ": parameter " + name + " is not among the weights" +
                            (near.empty() ? "" : "; did you mean " + near + "?"));
    }
    return name;
  }

  int node(const JsonValue& value, const std::string& what) {
    const auto found = index_.find(json_.text(value, what + " a node"));
    if (found == index_.end())
      json_.fail(value, what + " " + value.string() + ", which does not stand before it (nodes are in topological order)");
    return found->second;
  }

  void read_outputs(const JsonValue& value) {
    if (!value.is_object()) json_.fail(value, "outputs is not an object from names to nodes");
    for (const data::JsonMember& member : value.object())
      model_.graph.outputs.push_back({member.key, node(member.value, "output " + member.key + " is")});
    try {
      check_outputs(model_.graph);
    } catch (const Error& error) {
      json_.fail(value, error.message());
    }
  }

  [[noreturn]] void unknown_op(const JsonValue& op, const std::string& id) const {
    std::vector<std::string> names;
    for (const OpSpec& spec : all_ops())
      if (spec.op != Op::image) names.push_back(spec.name);
    const std::string near = nearest(op.string(), names);
    json_.fail(op, "node " + id + ": unknown operation " + op.string() + (near.empty() ? "" : "; did you mean " + near + "?"));
  }

  StrictJson json_;
  Model& model_;
  std::map<std::string, int> index_;
};

// Weights that no node names (counters of training steps, an optimiser's) are none of the model's.
void drop_unnamed(Model& model) {
  std::set<std::string> named;
  for (const Node& node : model.graph.nodes) {
    for (const auto& [role, name] : node.parameters) named.insert(name);
    for (const Operand& operand : node.inputs)
      if (operand.kind == Operand::Kind::parameter) named.insert(operand.parameter);
  }
  std::erase_if(model.weights, [&](const auto& entry) { return !named.contains(entry.first); });
}

Json attribute_json(const Attribute& value, AttributeKind kind) {
  if (const auto* list = std::get_if<Ints>(&value)) {
    if (kind == AttributeKind::pair && (*list)[0] == (*list)[1]) return (*list)[0];
    return *list;
  }
  return std::visit([](const auto& v) { return Json(v); }, value);
}

Json operand_json(const Graph& graph, const Operand& operand) {
  switch (operand.kind) {
    case Operand::Kind::node: return graph.nodes[static_cast<std::size_t>(operand.node)].id;
    case Operand::Kind::parameter: return {{"param", operand.parameter}};
    case Operand::Kind::number: return operand.number;
  }
  return nullptr;
}

// Attributes at their default are left out.
Json node_json(const Graph& graph, const Node& node) {
  Json json = {{"id", node.id}, {"op", name_of(node.op)}, {"in", Json::array()}};
  for (const Operand& operand : node.inputs) json["in"].push_back(operand_json(graph, operand));
  if (!node.parameters.empty()) {
    json["param"] = Json::object();
    for (const RoleSpec& role : spec_of(node.op).roles)
      if (const auto found = node.parameters.find(role.name); found != node.parameters.end())
        json["param"][role.name] = found->second;
  }
  Json attributes = Json::object();
  for (const AttributeSpec& spec : spec_of(node.op).attributes) {
    const auto found = node.attributes.find(spec.name);
    if (found == node.attributes.end() || (spec.fallback && *spec.fallback == found->second)) continue;
    attributes[spec.name] = attribute_json(found->second, spec.kind);
  }
  if (!attributes.empty()) json["attr"] = std::move(attributes);
  if (!node.source.empty()) json["source"] = node.source;
  return json;
}

}  // namespace

Weights read_weights(const std::filesystem::path& path) {
  const data::Safetensors file = data::Safetensors::open(path);
  Weights weights;
  for (const data::TensorView& view : file.tensors()) {
    using data::DType;
    Tensor tensor{view.shape, {}};
    if (view.dtype == DType::f32) {
      tensor.values = view.values<float>();
    } else if (view.dtype == DType::f64 || view.dtype == DType::f16 || view.dtype == DType::bf16) {
      const std::vector<double> wide = view.to_doubles();
      tensor.values.assign(wide.begin(), wide.end());
    } else {
      continue;
    }
    weights.emplace(view.name, std::move(tensor));
  }
  return weights;
}

Model parse_mtg(std::string_view json, const std::string& file, Weights weights) {
  Model model;
  model.weights = std::move(weights);
  GraphReader({file, ExitCode::input}, model).read(data::parse_json(json, file));
  drop_unnamed(model);
  return model;
}

Model read_mtg(const std::filesystem::path& path) {
  const std::string name = path.filename().string(), ending = ".mtg.json";
  if (!name.ends_with(ending)) input_error(path.string() + ": a graph is named NAME.mtg.json, beside NAME.safetensors");
  const std::string json = read_file(path);
  const std::filesystem::path weights = path.parent_path() / (name.substr(0, name.size() - ending.size()) + ".safetensors");
  return parse_mtg(json, path.string(), read_weights(weights));
}

std::string mtg_json(const Model& model) {
  Json json = {{"mtg", 1}};
  if (model.input) json["input"] = to_json(*model.input);
  if (model.tasks) json["tasks"] = to_json(*model.tasks);
  // A node a line: such a file can be read and compared.
  std::string text = data::dump_json(json);
  text.pop_back();
  text += ",\n\"nodes\":[";
  for (std::size_t i = 1; i < model.graph.nodes.size(); ++i)
    text += (i > 1 ? ",\n" : "\n") + data::dump_json(node_json(model.graph, model.graph.nodes[i]));
  Json outputs = Json::object();
  for (const Output& output : model.graph.outputs)
    outputs[output.name] = model.graph.nodes[static_cast<std::size_t>(output.node)].id;
  return text + "],\n\"outputs\":" + data::dump_json(outputs) + "}\n";
}

void write_mtg(const std::filesystem::path& stem, const Model& model) {
  std::vector<data::TensorSource> sources;
  for (const auto& [name, tensor] : model.weights)
    sources.push_back(data::tensor_source(name, tensor.shape, std::span<const float>(tensor.values)));
  data::write_safetensors(stem.string() + ".safetensors", sources);
  write_file_atomic(stem.string() + ".mtg.json", mtg_json(model));
}

}  // namespace tenfold::mtl
