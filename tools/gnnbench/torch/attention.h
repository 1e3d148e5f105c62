// Attention over in-edges as a differentiable operation: edge softmax, dropout, weighted sum. Keeps alpha [edges, K] and z.
#pragma once

#include <torch/torch.h>

#include "gnnbench/torch/dropout.h"
#include "gnnbench/torch/layer_graph.h"

namespace tenfold::gnnbench {

// z [sources, K D'], source_scores [sources, K] = a_src . z, target_scores [destinations, K] = a_dst . z
// -> sum over in-edges of alpha z: [destinations, K D']. The graph holds its loops. Dropout draws per (target, source, head).
torch::Tensor attend(const torch::Tensor& z, const torch::Tensor& source_scores, const torch::Tensor& target_scores,
                     const GraphPtr& graph, int heads, const DropoutKey& dropout, const ComputePtr& compute);

}  // namespace tenfold::gnnbench
