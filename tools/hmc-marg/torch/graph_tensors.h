// Values of a graph's nodes as float64 tensors, so that autograd differentiates through the program as written.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "hmc-marg/graph.h"

namespace tenfold::hmc_marg::oracle {

// A node's value has shape [batch, lanes], batch 1 where it is the same for all. Nodes are set (inputs) or computed on demand.
class GraphTensors {
 public:
  explicit GraphTensors(const Graph& graph) : graph_(graph), values_(graph.nodes().size()) {}

  void set(std::uint32_t node, torch::Tensor value) { values_[node] = std::move(value); }
  // Throws Error(input) for an operation without a tensor form.
  const torch::Tensor& node(std::uint32_t index);
  // [batch, operand.size] (1 column for a single).
  torch::Tensor operand(const Operand& operand);
  torch::Tensor slots(const std::vector<Slot>& slots);  // [batch, slots]

 private:
  torch::Tensor compute(const Node& node);
  void prepare(std::uint32_t index);

  const Graph& graph_;
  std::vector<torch::Tensor> values_;
};

// Lane-wise operation of one or two tensors.
torch::Tensor lane_wise(Op op, const torch::Tensor& x, const torch::Tensor& y);

// Log density of each lane, constants included; x[0] is the variate.
torch::Tensor log_density(Density family, const std::vector<torch::Tensor>& x);

}  // namespace tenfold::hmc_marg::oracle
