#include "mtl/torch/executor.h"

#include <c10/util/Exception.h>

#include "base/error.h"
#include "mtl/shapes.h"
#include "mtl/torch/operations.h"

namespace tenfold::mtl {
namespace {

std::string place(const Node& node) { return "node " + node.id + (node.source.empty() ? "" : " (" + node.source + ")"); }

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// For each node the results that nobody reads after it, the node's own where nobody does; outputs are kept to the end.
std::vector<std::vector<int>> last_reads(const Graph& graph) {
  std::vector<std::vector<int>> free_after(graph.nodes.size());
  std::vector<bool> kept(graph.nodes.size());
  for (const Output& output : graph.outputs) kept[static_cast<std::size_t>(output.node)] = true;
  const std::vector<std::vector<int>> read_by = readers(graph);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::size_t last = read_by[i].empty() ? i : static_cast<std::size_t>(read_by[i].back());
    if (!kept[i]) free_after[last].push_back(static_cast<int>(i));
  }
  return free_after;
}

}  // namespace

Executor::Executor(const Model& model, at::ScalarType dtype)
    : graph_(model.graph), dtype_(dtype), last_reads_(last_reads(model.graph)) {
  for (const auto& [name, tensor] : model.weights) {
    const at::Tensor view = at::from_blob(const_cast<float*>(tensor.values.data()), tensor.shape, at::kFloat);
    weights_.emplace(name, view.to(dtype, /*non_blocking=*/false, /*copy=*/true));
  }
}

std::vector<std::string> Executor::parameter_names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : weights_)
    if (!is_buffer(graph_, name)) names.push_back(name);
  return names;
}

void Executor::require_grad(bool on) {
  for (const std::string& name : parameter_names()) weights_.at(name).requires_grad_(on);
}

at::Tensor Executor::run_node(int node, const std::function<at::Tensor(int)>& read, const RunHooks& hooks) const {
  try {
    return apply({graph_, node, weights_, dtype_, read, hooks});
  } catch (const c10::Error& error) {
    input_error(place(graph_.nodes[static_cast<std::size_t>(node)]) + ": " + first_line(error.what_without_backtrace()));
  }
}

std::vector<at::Tensor> Executor::run(const at::Tensor& image, const RunHooks& hooks) const {
  std::vector<at::Tensor> results(graph_.nodes.size());
  const std::function<at::Tensor(int)> read = [&](int node) { return results[static_cast<std::size_t>(node)]; };
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    results[i] = i == 0 ? image.to(dtype_) : run_node(static_cast<int>(i), read, hooks);
    if (hooks.tap) hooks.tap(static_cast<int>(i), results[i]);
    for (const int node : last_reads_[i]) results[static_cast<std::size_t>(node)].reset();
  }
  std::vector<at::Tensor> outputs;
  for (const Output& output : graph_.outputs) outputs.push_back(results[static_cast<std::size_t>(output.node)]);
  return outputs;
}

Weights Executor::host_weights() const {
  Weights weights;
  for (const auto& [name, tensor] : weights_) {
    const at::Tensor flat = tensor.detach().to(at::kFloat).contiguous();
    const float* values = flat.const_data_ptr<float>();
    weights.emplace(name, Tensor{tensor.sizes().vec(), {values, values + flat.numel()}});
  }
  return weights;
}

}  // namespace tenfold::mtl
