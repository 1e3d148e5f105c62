// Aggregation over a layer's graph as differentiable operations around our kernels. Nothing n x width is kept for the backward
// pass but the maximum's argument.
#pragma once

#include <torch/torch.h>

#include "gnnbench/torch/compute.h"
#include "gnnbench/torch/layer_graph.h"

namespace tenfold::gnnbench {

// out[v] = (1/divide[v]) sum over u in row v of scale[u] x[u]; x [sources, D], out [destinations, D]. Not differentiable.
// Where `onto` is defined it is added to that tensor, which is returned.
torch::Tensor aggregate_rows(const torch::Tensor& x, const LayerGraph& graph, Compute& compute, torch::Tensor onto = {});
// The transposed: dy [destinations, D] -> dx [sources, D].
torch::Tensor aggregate_rows_transposed(const torch::Tensor& dy, const LayerGraph& graph, Compute& compute);

// The same as aggregate_rows, differentiable.
torch::Tensor aggregate(const torch::Tensor& x, const GraphPtr& graph, const ComputePtr& compute);

// out[v, j] = max over u in row v of x[u, j], 0 for an empty row. The gradient goes to the first maximum of a row.
torch::Tensor aggregate_max(const torch::Tensor& x, const GraphPtr& graph, const ComputePtr& compute);

}  // namespace tenfold::gnnbench
