// A layer with linear aggregation in one differentiable operation: dropout, A x W_l' + x W_r' + b, in either order. For the
// backward pass it keeps its input alone, and A x where that is the narrower. Drawing masks again costs as much as an SpMM:
// hidden rows are kept as dropped, which takes no more memory; constant features, which are there anyhow, are dropped again.
#pragma once

#include <torch/torch.h>

#include "gnnbench/torch/dropout.h"
#include "gnnbench/torch/layer_graph.h"

namespace tenfold::gnnbench {

struct GraphLinearWeights {
  torch::Tensor neighbours;  // W_l [D', D]
  torch::Tensor root;        // W_r [D', D], or undefined
  torch::Tensor bias;        // [D']
};

// x [sources, D] -> [destinations, D'].
torch::Tensor graph_linear(const torch::Tensor& x, const GraphLinearWeights& weights, const GraphPtr& graph, bool gemm_first,
                           const DropoutKey& dropout, const ComputePtr& compute);

}  // namespace tenfold::gnnbench
