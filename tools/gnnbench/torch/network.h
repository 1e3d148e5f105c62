// The models as LibTorch computes them, layer by layer: a layer takes rows of its sources and gives rows of its destinations.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>

#include "gnnbench/model_spec.h"
#include "gnnbench/torch/compute.h"
#include "gnnbench/torch/dropout.h"
#include "gnnbench/torch/layer_graph.h"
#include "gnnbench/torch/parameters.h"
#include "gnnbench/torch/sparse_rows.h"

namespace tenfold::gnnbench {

class LayerProfile;

// What a layer takes in: dense rows [sources, D], or sparse features. `aggregated`, where defined, is A X of constant rows,
// [destinations, D], computed before training. `dropped`: the layer's dropout of them is done.
struct LayerRows {
  torch::Tensor dense;
  SparsePtr sparse;
  torch::Tensor aggregated;
  bool dropped = false;

  std::int64_t count() const { return sparse ? sparse->rows.rows() : dense.size(0); }
  std::int64_t width() const { return sparse ? sparse->width : dense.size(1); }
};

class Network {
 public:
  // Weights by `key` and parameter name.
  Network(const ModelSpec& spec, std::int64_t features, int classes, const RandomKey& key, torch::Dtype dtype,
          ComputePtr compute);

  const ModelSpec& spec() const { return spec_; }
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  torch::Dtype dtype() const { return dtype_; }
  const ComputePtr& compute() const { return compute_; }

  // One layer of a training pass: dropout of what comes in, the layer, normalisation and activation unless it is the last.
  // `graph` may be null for mlp, which then gives a row for each that it took. `next`, where not null, is the graph of layer l +
  // 1, whose sources the rows become as they are: then ReLU and that layer's dropout are one pass.
  LayerRows layer(int l, const LayerRows& x, const GraphPtr& graph, const Draws& draws, const GraphPtr& next) const;

  // What layer l > 0 takes in, from rows that have passed ReLU and been exchanged: dropped in place, where nothing else is to be
  // known for the gradient. Of use only where ReLU comes after this in the backward pass, of rows with these very zeros.
  LayerRows exchanged_rows(int l, const torch::Tensor& x, const GraphPtr& graph, const Draws& draws) const;

  // The same without dropout, in two steps, for inference in row chunks: what each source contributes (any rows), and then the
  // destinations of `graph`, which are sources first, first + 1, ..., from all contributions and their own rows `own`.
  torch::Tensor contribution(int l, const LayerRows& x) const;
  bool contributes_rows(int l, bool sparse) const;  // the contribution is the row itself: the layer aggregates first
  torch::Tensor combine(int l, const torch::Tensor& contributions, const LayerRows& own, const GraphPtr& graph,
                        std::int64_t first) const;

  // All layers over one batch: graphs[l] is layer l's. Logits of the last graph's destinations. `profile` may be null.
  torch::Tensor forward(const LayerRows& x, std::span<const GraphPtr> graphs, const Draws& draws,
                        LayerProfile* profile = nullptr) const;

 private:
  const torch::Tensor& weight(int l, const char* name) const;
  torch::Tensor linear(const LayerRows& x, std::int64_t count, const torch::Tensor& weight) const;
  DropoutKey input_dropout(int l, const Draws& draws) const;
  LayerRows dropped_input(int l, const LayerRows& x, const GraphPtr& graph, const Draws& draws) const;
  torch::Tensor layer_output(int l, const torch::Tensor& contributions, const LayerRows& own, std::int64_t own_count,
                             std::int64_t first, const GraphPtr& graph, const Draws& draws) const;
  torch::Tensor linear_layer(int l, const LayerRows& x, const GraphPtr& graph, const Draws& draws) const;
  torch::Tensor attention_layer(int l, const torch::Tensor& z, std::int64_t first, const GraphPtr& graph,
                                const Draws& draws) const;
  torch::Tensor normalised(int l, torch::Tensor out) const;
  torch::Tensor activated(torch::Tensor out) const;
  bool gemm_comes_first(int l, bool sparse) const;

  ModelSpec spec_;
  std::vector<std::int64_t> widths_;
  torch::Dtype dtype_;
  ComputePtr compute_;
  Parameters parameters_;
};

// The features of a data set as rows, for all nodes or for `ids` (which must outlive the rows).
LayerRows all_feature_rows(const Features& features, std::int64_t nodes, torch::Dtype dtype, bool differentiable);
LayerRows gather_feature_rows(const Features& features, std::span<const NodeId> ids, torch::Dtype dtype, bool differentiable,
                              Compute& compute);

}  // namespace tenfold::gnnbench
