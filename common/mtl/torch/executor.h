// Runs a graph node by node through ATen. Weights are leaf tensors that can be trained, replaced or frozen.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mtl/model.h"

namespace tenfold::mtl {

struct RunHooks {
  bool train = false;                  // batch statistics (and their running means), dropout
  std::uint64_t dropout_seed = 0;      // what dropout drops follows from this and the node alone
  // node -> what this consumer reads as its first input is multiplied by it: [C] along dimension 1, else broadcast.
  std::map<int, at::Tensor> read_scale;
  std::function<void(int node, const at::Tensor& result)> tap;  // after each node
};

class Executor {
 public:
  // dtype: at::kFloat or at::kDouble. Keeps a reference to nothing: graph and weights are copied.
  explicit Executor(const Model& model, at::ScalarType dtype = at::kFloat);

  const Graph& graph() const { return graph_; }
  at::ScalarType dtype() const { return dtype_; }
  std::map<std::string, at::Tensor>& weights() { return weights_; }  // parameters and running statistics
  const std::map<std::string, at::Tensor>& weights() const { return weights_; }
  std::vector<std::string> parameter_names() const;  // those that are trained, by name
  void require_grad(bool on);

  // image [N, C, H, W], already in the model's input convention. Results of Graph::outputs in their order; the others are dropped
  // after their last reader. Throws Error input with node and source line where ATen refuses. Callable from several threads
  // unless `train`.
  std::vector<at::Tensor> run(const at::Tensor& image, const RunHooks& hooks = {}) const;

  // One node on given operand tensors (numbers and parameters are filled in here): `read` answers with the result of a node.
  at::Tensor run_node(int node, const std::function<at::Tensor(int)>& read, const RunHooks& hooks = {}) const;

  // Weights back to the host.
  Weights host_weights() const;

 private:
  Graph graph_;
  at::ScalarType dtype_;
  std::map<std::string, at::Tensor> weights_;
  std::vector<std::vector<int>> last_reads_;  // nodes whose results are free after node i
};

}  // namespace tenfold::mtl
