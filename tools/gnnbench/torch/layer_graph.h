// The graph that one layer aggregates over: rows are destinations, entries are sources, by local numbers; destinations are the
// first of the sources. For linear aggregation (mean, gcn) the weight of an edge u -> v is scale[u] / divide[v].
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <span>

#include "gnnbench/block.h"
#include "gnnbench/csr.h"
#include "gnnbench/model_spec.h"
#include "gnnbench/spmm.h"
#include "gnnbench/train_options.h"

namespace tenfold::gnnbench {

// Carried by autograd's nodes, hence reference counted by LibTorch's pointer.
struct LayerGraph : torch::CustomClassHolder {
  CsrView forward;                  // [destinations] rows
  std::int64_t sources = 0;
  bool add_self = false;            // a loop at each destination that is not stored
  bool symmetric = false;           // square, and its own transpose
  torch::Tensor scale;              // [sources], the model's dtype; undefined: 1
  torch::Tensor divide;             // [destinations]; 1 for a row without entries; undefined where aggregation is not linear
  torch::Tensor inverse_scale;      // their inverses, for the backward pass
  torch::Tensor inverse_divide;
  std::span<const NodeId> source_ids;  // [sources] global ids, which dropout is keyed by; empty: 0, 1, 2, ...
  std::shared_ptr<const TransposedGraph> transposed;  // null: nothing is differentiated, or symmetric and linear
  std::shared_ptr<const void> storage;  // what the spans point into, as far as it is not the data set's

  std::int64_t destinations() const { return forward.rows(); }
};
using GraphPtr = c10::intrusive_ptr<LayerGraph>;

// In-neighbours of every node, the model's loop counted: d_v of A^ and of the mean.
std::vector<EdgeIndex> whole_degrees(CsrView graph, bool loop);

// A copy of the rows [first, last) of `graph` with node v in row v - first once, at its sorted place.
std::shared_ptr<const Csr> with_loops(CsrView graph, std::int64_t first, std::int64_t last);

// The whole graph as every layer of one worker sees it. Loops are added by the kernel where aggregation is linear (no copy of the
// CSR), stored otherwise. Throws nothing.
GraphPtr whole_graph(CsrView graph, bool symmetric, const ModelSpec& model, torch::Dtype dtype, bool differentiable);

// Rows [first, last) of the whole graph over all its nodes, loops stored: one step of an evaluation.
GraphPtr row_range(CsrView graph, std::int64_t first, std::int64_t last, const ModelSpec& model, torch::Dtype dtype);

// A sampled block, which holds its loops. `degrees` are whole_degrees(). The block must outlive the graph.
GraphPtr block_graph(const Block& block, std::span<const EdgeIndex> degrees, const ModelSpec& model, GcnNorm norm,
                     torch::Dtype dtype);

// Sets scale and divide for linear aggregation from degrees: of the sources, and of the destinations (the entries of a row where
// `row_degrees` is empty). gcn: 1/sqrt(d_u) and sqrt(d_v); mean: none and d_v.
void set_linear_weights(LayerGraph& graph, const ModelSpec& model, std::span<const double> source_degrees,
                        std::span<const double> row_degrees, torch::Dtype dtype);

}  // namespace tenfold::gnnbench
