// The factor graph as JSON or dot. Operand lists of the graph gather slots of any nodes; here they become index and concat nodes.
#include "hmc-marg/graph_json.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <unordered_map>

#include "hmc-marg/densities.h"

namespace tenfold::hmc_marg {
namespace {

class Document {
 public:
  explicit Document(const Model& model) : model_(model), graph_(model.graph.graph) {
    mark_parameters();
    for (const Factor& factor : model.graph.factors) add_factor(factor);
    for (const Term& term : model.graph.terms)
      target_.push_back({{"node", list_of({term.slot})}, {"coefficient", term.coefficient}, {"line", term.line}});
    for (const Parameter& p : model.graph.parameters)
      for (const Slot slot : p.log_jacobian)
        target_.push_back({{"node", list_of({slot})}, {"coefficient", 1}, {"line", p.at.line}});
    for (const Parameter& p : model.graph.parameters) add_parameter(p);
    for (const OutputVariable& output : model.graph.outputs) {
      if (output.block == BlockKind::generated_quantities) continue;
      outputs_.push_back(
          {{"name", output.name}, {"node", value_node(output.value)}, {"dims", output.value.dims}, {"block", "tp"}});
    }
  }

  const std::vector<Json>& nodes() const { return nodes_; }
  const Json& factors() const { return factors_; }

  Json take() {
    return {{"schema", "tenfold.hmc-marg.graph/1"}, {"data", Json::object()},         {"parameters", std::move(parameters_)},
            {"nodes", std::move(nodes_)},           {"factors", std::move(factors_)}, {"target", std::move(target_)},
            {"constant", model_.graph.constant},    {"outputs", std::move(outputs_)}};
  }

 private:
  void mark_parameters() {
    for (const Parameter& p : model_.graph.parameters)
      if (p.free_size > 0) name_of_free_[p.free_first] = p.name;
  }

  int push(Json node) {
    nodes_.push_back(std::move(node));
    return static_cast<int>(nodes_.size()) - 1;
  }

  // The document's node for a node of the graph.
  int node_of(std::uint32_t index) {
    const auto found = emitted_.find(index);
    if (found != emitted_.end()) return found->second;
    const Node& node = graph_.nodes()[index];
    Json out;
    if (node.op == Op::constant) {
      std::vector<double> values(node.lanes);
      for (std::uint32_t i = 0; i < node.lanes; ++i) values[i] = graph_.constant_value(node.first + i);
      out = {{"op", "const"}, {"value", values}};
    } else if (node.op == Op::parameter) {
      const auto name = name_of_free_.find(node.first);
      out = {{"op", "param"}, {"value", name == name_of_free_.end() ? Json(nullptr) : Json(name->second)}, {"size", node.lanes}};
    } else {
      Json args = Json::array();
      for (const Operand& operand : graph_.operands(node)) args.push_back(operand_node(operand));
      out = {{"op", node.op == Op::density ? std::string(info(node.density).name) : std::string(info(node.op).name)},
             {"args", args}};
      if (segmented(node.op))
        out["segments"] = std::vector<std::uint32_t>(graph_.segments(node).begin(), graph_.segments(node).end());
      if (node.rows > 0) out["rows"] = node.rows;
      if (node.line > 0) out["line"] = node.line;
    }
    const int id = push(std::move(out));
    emitted_[index] = id;
    return id;
  }

  int operand_node(const Operand& operand) {
    std::vector<Slot> slots(operand.size);
    for (std::uint32_t i = 0; i < operand.size; ++i) slots[i] = graph_.slot_of(operand, i);
    return list_of(slots);
  }

  // A node whose elements are these slots: the node itself, an index of one, or a concat of several.
  int list_of(const std::vector<Slot>& slots) {
    const auto found = lists_.find(slots);
    if (found != lists_.end()) return found->second;
    std::vector<int> parts;
    for (std::size_t begin = 0; begin < slots.size();) {
      const std::uint32_t owner = graph_.node_of(slots[begin]);
      std::size_t end = begin;
      std::vector<std::uint32_t> index;
      while (end < slots.size() && graph_.node_of(slots[end]) == owner)
        index.push_back(slots[end++] - graph_.nodes()[owner].first + 1);
      parts.push_back(indexed(owner, index));
      begin = end;
    }
    const int id = parts.size() == 1 ? parts.front() : push({{"op", "concat"}, {"args", parts}});
    lists_[slots] = id;
    return id;
  }

  int indexed(std::uint32_t owner, const std::vector<std::uint32_t>& index) {
    const int whole = node_of(owner);
    bool all = index.size() == graph_.nodes()[owner].lanes;
    for (std::size_t i = 0; all && i < index.size(); ++i) all = index[i] == i + 1;
    return all ? whole : push({{"op", "index"}, {"args", {whole}}, {"index", index}});
  }

  Json value_node(const Value& value) {
    if (value.size() == 0) return nullptr;
    std::vector<int> parts;
    std::vector<Slot> run;
    const auto flush = [&] {
      if (!run.empty()) parts.push_back(list_of(run));
      run.clear();
    };
    for (std::size_t i = 0; i < value.size(); ++i) {
      const Slot slot = value.slot.empty() ? 0 : value.slot[i];
      if (slot != 0) {
        run.push_back(slot);
      } else {
        flush();
        parts.push_back(push({{"op", "const"}, {"value", {value.number[i]}}}));
      }
    }
    flush();
    return parts.size() == 1 ? parts.front() : push({{"op", "concat"}, {"args", parts}});
  }

  void add_factor(const Factor& factor) {
    const Node& node = graph_.nodes()[factor.node];
    Json args = Json::array();
    for (const Operand& operand : graph_.operands(node)) args.push_back(operand_node(operand));
    factors_.push_back({{"density", info(node.density).name},
                        {"variate", args.at(0)},
                        {"args", Json(args.begin() + 1, args.end())},
                        {"lanes", node.lanes},
                        {"line", factor.line}});
  }

  void add_parameter(const Parameter& p) {
    const auto bound = [&](const Value& v) { return v.size() == 0 ? Json(nullptr) : value_node(v); };
    parameters_.push_back({{"name", p.name},
                           {"type", to_string(p.type)},
                           {"dims", p.dims},
                           {"lower", bound(p.lower)},
                           {"upper", bound(p.upper)},
                           {"offset", bound(p.offset)},
                           {"multiplier", bound(p.multiplier)},
                           {"node", value_node(p.value)}});
  }

  const Model& model_;
  const Graph& graph_;
  std::vector<Json> nodes_;
  Json factors_ = Json::array(), target_ = Json::array(), parameters_ = Json::array(), outputs_ = Json::array();
  std::unordered_map<std::uint32_t, int> emitted_;
  std::map<std::vector<Slot>, int> lists_;
  std::map<Slot, std::string> name_of_free_;
};

}  // namespace

void write_graph_json(const Model& model, std::ostream& out) {
  Document document(model);
  out << document.take().dump() << "\n";
}

void write_graph_dot(const Model& model, std::ostream& out) {
  Document document(model);
  out << "digraph model {\n  rankdir=BT;\n  node [shape=box, fontname=\"sans-serif\"];\n";
  const std::vector<Json>& nodes = document.nodes();
  const auto edge = [&](const Json& from, const std::string& to) { out << "  n" << from.get<int>() << " -> " << to << ";\n"; };
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Json& node = nodes[i];
    const std::string op = node.at("op").get<std::string>();
    std::string label = op;
    if (op == "param") label = node.at("value").is_null() ? "param" : node.at("value").get<std::string>();
    if (op == "const")
      label =
          node.at("value").size() == 1 ? node.at("value").at(0).dump() : "const[" + std::to_string(node.at("value").size()) + "]";
    out << "  n" << i << " [label=" << Json(label).dump() << (op == "param" ? ", style=bold" : "") << "];\n";
    if (node.contains("args"))
      for (const Json& arg : node.at("args")) edge(arg, "n" + std::to_string(i));
  }
  int f = 0;
  for (const Json& factor : document.factors()) {
    const std::string id = "f" + std::to_string(f++);
    out << "  " << id << " [shape=ellipse, label="
        << Json(factor.at("density").get<std::string>() + "\nline " + factor.at("line").dump()).dump() << "];\n";
    edge(factor.at("variate"), id);
    for (const Json& arg : factor.at("args")) edge(arg, id);
  }
  out << "}\n";
}

}  // namespace tenfold::hmc_marg
