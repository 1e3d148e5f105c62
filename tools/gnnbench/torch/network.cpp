#include "gnnbench/torch/network.h"

#include "gnnbench/torch/aggregate.h"
#include "gnnbench/torch/attention.h"
#include "gnnbench/torch/graph_linear.h"
#include "gnnbench/torch/layer_profile.h"
#include "gnnbench/torch/tensor_span.h"

namespace tenfold::gnnbench {

using torch::Tensor;

Network::Network(const ModelSpec& spec, std::int64_t features, int classes, const RandomKey& key, torch::Dtype dtype,
                 ComputePtr compute)
    : spec_(spec),
      widths_(layer_widths(spec, features, classes)),
      dtype_(dtype),
      compute_(std::move(compute)),
      parameters_(model_parameters(spec, features, classes), key, dtype) {}

const Tensor& Network::weight(int l, const char* name) const {
  return parameters_.at((spec_.kind == ModelKind::mlp ? "lins." : "convs.") + std::to_string(l) + "." + name);
}

bool Network::gemm_comes_first(int l, bool sparse) const {
  return gemm_first(spec_, widths_[static_cast<std::size_t>(l)], widths_[static_cast<std::size_t>(l) + 1], sparse);
}

bool Network::contributes_rows(int l, bool sparse) const { return spec_.linear_aggregation() && !gemm_comes_first(l, sparse); }

// The first `count` rows times weight'.
Tensor Network::linear(const LayerRows& x, std::int64_t count, const Tensor& weight) const {
  if (x.sparse) return sparse_linear(x.sparse, weight, count, compute_);
  return torch::mm(count == x.dense.size(0) ? x.dense : x.dense.narrow(0, 0, count), weight.t());
}

DropoutKey Network::input_dropout(int l, const Draws& draws) const {
  const double rate = l == 0 ? spec_.dropout_input : spec_.dropout;
  return draws.dropout(l == 0 ? Purpose::dropout_input : Purpose::dropout, l, draws.on ? rate : 0.0);
}

LayerRows Network::dropped_input(int l, const LayerRows& x, const GraphPtr& graph, const Draws& draws) const {
  if (x.dropped) return x;
  const DropoutKey key = input_dropout(l, draws);
  LayerRows out = x;
  const std::span<const NodeId> ids = graph ? graph->source_ids : std::span<const NodeId>();
  if (x.sparse)
    out.sparse = dropped_entries(x.sparse, key, *compute_);
  else
    out.dense = keyed_dropout(x.dense, ids, key, compute_);
  return out;
}

Tensor Network::contribution(int l, const LayerRows& x) const {
  switch (spec_.kind) {
    case ModelKind::mlp: return {};
    case ModelKind::gat: return linear(x, x.count(), weight(l, "lin.weight"));
    case ModelKind::gcn:
      return gemm_comes_first(l, x.sparse != nullptr) ? linear(x, x.count(), weight(l, "lin.weight")) : x.dense;
    case ModelKind::sage: break;
  }
  if (spec_.aggregator == Aggregator::pool)
    return linear(x, x.count(), weight(l, "lin.weight")).add_(weight(l, "lin.bias")).relu_();
  return gemm_comes_first(l, x.sparse != nullptr) ? linear(x, x.count(), weight(l, "lin_l.weight")) : x.dense;
}

Tensor Network::attention_layer(int l, const Tensor& z, std::int64_t first, const GraphPtr& graph, const Draws& draws) const {
  const bool last = l == spec_.layers - 1;
  const int heads = last ? spec_.heads_last : spec_.heads;
  const std::int64_t width = z.size(1) / heads, targets = graph->destinations();
  const auto scores = [&](const Tensor& rows, const char* name) {
    return (rows.view({rows.size(0), heads, width}) * weight(l, name)).sum(-1);
  };
  const Tensor target_scores = scores(z.narrow(0, first, targets), "att_dst");
  const DropoutKey key = draws.dropout(Purpose::dropout_attention, l, draws.on ? spec_.dropout_attn : 0.0);
  Tensor out = attend(z, scores(z, "att_src"), target_scores, graph, heads, key, compute_);
  if (last && heads > 1) out = out.view({targets, heads, width}).mean(1);
  return out + weight(l, "bias");
}

// From contributions of all sources, and the destinations' own rows, the first `own_count` of `own`.
Tensor Network::layer_output(int l, const Tensor& contributions, const LayerRows& own, std::int64_t own_count, std::int64_t first,
                             const GraphPtr& graph, const Draws& draws) const {
  switch (spec_.kind) {
    case ModelKind::mlp: return linear(own, own_count, weight(l, "weight")).add_(weight(l, "bias"));
    case ModelKind::gat: return attention_layer(l, contributions, first, graph, draws);
    case ModelKind::gcn: {
      Tensor out = aggregate(contributions, graph, compute_);
      if (!gemm_comes_first(l, own.sparse != nullptr)) out = torch::mm(out, weight(l, "lin.weight").t());
      return out.add_(weight(l, "bias"));
    }
    case ModelKind::sage: break;
  }
  const bool pool = spec_.aggregator == Aggregator::pool;
  Tensor out = pool ? aggregate_max(contributions, graph, compute_) : aggregate(contributions, graph, compute_);
  if (pool || !gemm_comes_first(l, own.sparse != nullptr)) out = torch::mm(out, weight(l, "lin_l.weight").t());
  out.add_(weight(l, "lin_l.bias"));  // in place: rows x width is what memory goes by
  if (spec_.aggregator != Aggregator::gcn) out.add_(linear(own, own_count, weight(l, "lin_r.weight")));
  return out;
}

// Dense rows and linear aggregation: one fused operation, or matrix products alone where A X is known.
Tensor Network::linear_layer(int l, const LayerRows& x, const GraphPtr& graph, const Draws& draws) const {
  const bool gcn = spec_.kind == ModelKind::gcn, root = !gcn && spec_.aggregator != Aggregator::gcn;
  GraphLinearWeights w;
  w.neighbours = weight(l, gcn ? "lin.weight" : "lin_l.weight");
  w.bias = weight(l, gcn ? "bias" : "lin_l.bias");
  if (root) w.root = weight(l, "lin_r.weight");
  if (x.aggregated.defined()) {
    Tensor out = torch::addmm(w.bias, x.aggregated, w.neighbours.t());
    return root ? out.addmm_(x.dense.narrow(0, 0, out.size(0)), w.root.t()) : out;
  }
  return graph_linear(x.dense, w, graph, gemm_comes_first(l, false), x.dropped ? DropoutKey{} : input_dropout(l, draws),
                      compute_);
}

Tensor Network::normalised(int l, Tensor out) const {
  if (spec_.norm == Norm::none) return out;
  const std::string norm = "norms." + std::to_string(l);
  return torch::layer_norm(out, {out.size(1)}, parameters_.at(norm + ".weight"), parameters_.at(norm + ".bias"));
}

Tensor Network::activated(Tensor out) const { return spec_.kind == ModelKind::gat ? torch::elu_(out) : torch::relu_(out); }

LayerRows Network::layer(int l, const LayerRows& x, const GraphPtr& graph, const Draws& draws, const GraphPtr& next) const {
  Tensor out;
  if (spec_.linear_aggregation() && !x.sparse) {
    out = linear_layer(l, x, graph, draws);
  } else {
    const LayerRows in = dropped_input(l, x, graph, draws);
    out = layer_output(l, contribution(l, in), in, graph ? graph->destinations() : in.count(), 0, graph, draws);
  }
  LayerRows rows;
  if (l == spec_.layers - 1) {
    rows.dense = out;
    return rows;
  }
  out = normalised(l, out);
  const DropoutKey key = input_dropout(l + 1, draws);
  rows.dropped = next && key.p > 0 && spec_.kind != ModelKind::gat;
  rows.dense = rows.dropped ? relu_dropout_(out, next->source_ids, key, compute_) : activated(out);
  return rows;
}

LayerRows Network::exchanged_rows(int l, const Tensor& x, const GraphPtr& graph, const Draws& draws) const {
  const DropoutKey key = input_dropout(l, draws);
  LayerRows rows;
  rows.dropped = key.p > 0 && spec_.kind != ModelKind::gat;
  // ReLU of what it made changes nothing; its mask, the zeros, need not be drawn again.
  rows.dense = rows.dropped ? relu_dropout_(x, graph->source_ids, key, compute_) : x;
  return rows;
}

Tensor Network::combine(int l, const Tensor& contributions, const LayerRows& own, const GraphPtr& graph,
                        std::int64_t first) const {
  const Tensor out = layer_output(l, contributions, own, own.count(), first, graph, Draws());
  return l == spec_.layers - 1 ? out : activated(normalised(l, out));
}

Tensor Network::forward(const LayerRows& x, std::span<const GraphPtr> graphs, const Draws& draws, LayerProfile* profile) const {
  LayerRows rows = x;
  for (int l = 0; l < spec_.layers; ++l) {
    const GraphPtr& graph = graphs[static_cast<std::size_t>(l)];
    if (profile) profile->layer_begins();
    const LayerRows out =
        layer(l, rows, graph, draws, l + 1 < spec_.layers ? graphs[static_cast<std::size_t>(l) + 1] : GraphPtr());
    if (profile) profile->layer_ends(l, layer_shape(rows, graph, out.dense), out.dense);
    rows = out;
  }
  return rows.dense;
}

LayerRows all_feature_rows(const Features& features, std::int64_t nodes, torch::Dtype dtype, bool differentiable) {
  LayerRows rows;
  if (features.sparse())
    rows.sparse = all_sparse_rows(features, dtype, differentiable);
  else  // the mapped file itself where the type is right
    rows.dense = torch::from_blob(const_cast<float*>(features.dense.data()), {nodes, features.width}, torch::kFloat32).to(dtype);
  return rows;
}

LayerRows gather_feature_rows(const Features& features, std::span<const NodeId> ids, torch::Dtype dtype, bool differentiable,
                              Compute& compute) {
  LayerRows rows;
  if (features.sparse()) {
    rows.sparse = gather_sparse_rows(features, ids, dtype, differentiable);
    return rows;
  }
  Tensor dense = torch::empty({static_cast<std::int64_t>(ids.size()), features.width}, torch::kFloat32);
  gather_rows<float>(features.dense, features.width, ids, writable<float>(dense), compute.pool);
  rows.dense = dense.to(dtype);
  return rows;
}

}  // namespace tenfold::gnnbench
