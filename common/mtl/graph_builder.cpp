#include "mtl/graph_builder.h"

namespace tenfold::mtl {

GraphBuilder::GraphBuilder() { model_.graph.nodes.push_back(Node{"image", Op::image, {}, {}, {}, ""}); }

int GraphBuilder::add(std::string id, Op op, const std::vector<int>& inputs, std::map<std::string, Attribute> attributes,
                      std::map<std::string, std::string> parameters) {
  std::vector<Operand> operands;
  for (const int input : inputs) operands.push_back({Operand::Kind::node, input, "", 0});
  return add(std::move(id), op, std::move(operands), std::move(attributes), std::move(parameters));
}

int GraphBuilder::add(std::string id, Op op, std::vector<Operand> inputs, std::map<std::string, Attribute> attributes,
                      std::map<std::string, std::string> parameters) {
  model_.graph.nodes.push_back(Node{std::move(id), op, std::move(inputs), std::move(parameters), std::move(attributes), ""});
  return static_cast<int>(model_.graph.nodes.size()) - 1;
}

void GraphBuilder::parameter(const std::string& name, Shape shape) {
  Tensor& tensor = model_.weights[name];
  tensor.values.assign(static_cast<std::size_t>(elements(shape)), 0);
  tensor.shape = std::move(shape);
}

int GraphBuilder::conv(const std::string& name, int input, std::int64_t in, std::int64_t out, std::int64_t kernel,
                       std::map<std::string, Attribute> attributes, bool bias) {
  parameter(name + ".weight", {out, in, kernel, kernel});
  std::map<std::string, std::string> parameters = {{"weight", name + ".weight"}};
  if (bias) {
    parameter(name + ".bias", {out});
    parameters["bias"] = name + ".bias";
  }
  return add(name, Op::conv2d, std::vector<int>{input}, std::move(attributes), std::move(parameters));
}

int GraphBuilder::batch_norm(const std::string& name, int input, std::int64_t channels) {
  std::map<std::string, std::string> parameters;
  for (const char* role : {"weight", "bias", "running_mean", "running_var"}) {
    parameters[role] = name + "." + role;
    parameter(parameters[role], {channels});
  }
  return add(name, Op::batch_norm, std::vector<int>{input}, {}, std::move(parameters));
}

void GraphBuilder::output(std::string name, int node) { model_.graph.outputs.push_back({std::move(name), node}); }

Model GraphBuilder::finish() {
  complete(model_.graph, model_.weights);
  return std::move(model_);
}

}  // namespace tenfold::mtl
