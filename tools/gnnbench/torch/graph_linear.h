// A layer with linear aggregation in one differentiable operation: dropout, A x W_l' + x W_r' + b, in either order. For the
// backward pass it keeps its input alone (before dropout, whose mask is drawn again), and A x where that is the narrower.
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
