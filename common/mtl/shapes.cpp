#include "mtl/shapes.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "mtl/op_table.h"
#include "mtl/shape_rules.h"

namespace tenfold::mtl {
namespace {

// Operations after which channel c is still the image's channel c.
bool keeps_channels(Op op) {
  switch (op) {
    case Op::image:
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::max:
    case Op::min:
    case Op::clamp:
    case Op::max_pool2d:
    case Op::avg_pool2d:
    case Op::upsample:
    case Op::dropout:
    case Op::identity: return true;
    default: return false;
  }
}

}  // namespace

std::vector<Shape> infer_shapes(const Model& model, const Shape& image) {
  if (image.size() != 4 || std::ranges::any_of(image, [](std::int64_t size) { return size < 1; }))
    input_error("an image is [batch, channels, height, width], not " + to_text(image));
  std::vector<Shape> shapes;
  shapes.reserve(model.graph.nodes.size());
  shapes.push_back(image);
  for (std::size_t i = 1; i < model.graph.nodes.size(); ++i) shapes.push_back(shape_of_node(model, static_cast<int>(i), shapes));
  return shapes;
}

std::int64_t image_channels(const Model& model) {
  std::set<int> as_image;  // nodes whose channels are the image's
  for (std::size_t i = 0; i < model.graph.nodes.size(); ++i) {
    const Node& node = model.graph.nodes[i];
    const bool reads = std::ranges::any_of(node.inputs, [&](const Operand& operand) {
      return operand.kind == Operand::Kind::node && as_image.contains(operand.node);
    });
    if (i > 0 && !reads) continue;
    if (node.op == Op::conv2d) return model.weights.at(node.parameters.at("weight")).shape[1] * integer(node, "groups");
    if (node.op == Op::conv_transpose2d) return model.weights.at(node.parameters.at("weight")).shape[0];
    if (node.op == Op::batch_norm) return model.weights.at(node.parameters.at("running_mean")).shape[0];
    if (keeps_channels(node.op)) as_image.insert(static_cast<int>(i));
  }
  return 3;
}

std::int64_t node_macs(const Model& model, int index, const std::vector<Shape>& shapes) {
  const auto at = static_cast<std::size_t>(index);
  const Node& node = model.graph.nodes[at];
  if (node.op != Op::conv2d && node.op != Op::conv_transpose2d && node.op != Op::linear) return 0;
  const Shape& weight = model.weights.at(node.parameters.at("weight")).shape;
  // A transposed convolution multiplies each element of its input, the others make each element of their output.
  const Shape& counted = node.op == Op::conv_transpose2d ? shapes[static_cast<std::size_t>(node.inputs[0].node)] : shapes[at];
  return elements(counted) * (elements(weight) / weight[0]);
}

bool is_buffer(const Graph& graph, const std::string& parameter) {
  return std::ranges::any_of(graph.nodes, [&](const Node& node) {
    return std::ranges::any_of(node.parameters, [&](const auto& entry) {
      return entry.second == parameter && (entry.first == "running_mean" || entry.first == "running_var");
    });
  });
}

namespace {

std::int64_t peak_bytes(const Graph& graph, const std::vector<Shape>& shapes) {
  const std::vector<std::vector<int>> read_by = readers(graph);
  std::vector<int> last(graph.nodes.size());
  for (std::size_t i = 0; i < last.size(); ++i) last[i] = read_by[i].empty() ? static_cast<int>(i) : read_by[i].back();
  for (const Output& output : graph.outputs) last[static_cast<std::size_t>(output.node)] = static_cast<int>(last.size());
  std::vector<std::vector<std::size_t>> freed(last.size() + 1);
  for (std::size_t i = 0; i < last.size(); ++i) freed[static_cast<std::size_t>(last[i])].push_back(i);
  std::int64_t alive = 0, peak = 0;
  for (std::size_t i = 0; i < last.size(); ++i) {
    alive += elements(shapes[i]);
    peak = std::max(peak, alive);
    for (const std::size_t gone : freed[i]) alive -= elements(shapes[gone]);
  }
  return 4 * peak;
}

}  // namespace

Cost cost(const Model& model, std::int64_t height, std::int64_t width) {
  const Graph& graph = model.graph;
  const std::vector<Shape> shapes = infer_shapes(model, {1, image_channels(model), height, width});
  const std::vector<std::uint64_t> reached = reached_outputs(graph);
  Cost cost;
  cost.head_params.assign(graph.outputs.size(), 0);
  cost.head_macs.assign(graph.outputs.size(), 0);
  const auto share = [&](std::uint64_t reaches, std::int64_t amount, std::int64_t& trunk, std::vector<std::int64_t>& heads) {
    if ((reaches & (reaches - 1)) != 0) {
      trunk += amount;
      return;
    }
    for (std::size_t i = 0; i < heads.size(); ++i)
      if (reaches == std::uint64_t{1} << i) heads[i] += amount;
  };
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::int64_t macs = node_macs(model, static_cast<int>(i), shapes);
    cost.macs += macs;
    share(reached[i], macs, cost.trunk_macs, cost.head_macs);
  }
  std::set<std::string> buffers;
  for (const Node& node : graph.nodes)
    for (const char* role : {"running_mean", "running_var"})
      if (const auto found = node.parameters.find(role); found != node.parameters.end()) buffers.insert(found->second);
  for (const auto& [name, reaches] : reached_by_parameter(graph)) {
    const std::int64_t size = elements(model.weights.at(name).shape);
    cost.weight_bytes += 4 * size;
    if (buffers.contains(name)) continue;
    cost.params += size;
    share(reaches, size, cost.trunk_params, cost.head_params);
  }
  cost.peak_activation_bytes = peak_bytes(graph, shapes);
  return cost;
}

}  // namespace tenfold::mtl
