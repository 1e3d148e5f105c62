// Shorthands of the model tests.
#pragma once

#include <string>
#include <vector>

#include "doctest_torch.h"
#include "gnnbench/torch/evaluate.h"
#include "gnnbench/torch/network.h"
#include "task_support.h"

namespace tenfold::gnnbench::testing {

inline ComputePtr two_threads() { return c10::make_intrusive<Compute>(2); }

struct NamedModel {
  std::string name;
  ModelSpec spec;
};

// Every architecture, 2 layers, widths that make one layer aggregate first and the other multiply first.
inline std::vector<NamedModel> all_models(std::int64_t hidden = 12) {
  std::vector<NamedModel> models;
  ModelSpec base;
  base.hidden = hidden;
  base.heads = 3;
  base.heads_last = 2;
  for (const Aggregator aggregator : {Aggregator::mean, Aggregator::pool})
    for (const bool loops : {true, false}) {
      ModelSpec spec = base;
      spec.aggregator = aggregator;
      spec.self_loops = loops;
      models.push_back({std::string("sage ") + name_of(aggregator) + (loops ? " with loops" : " without loops"), spec});
    }
  ModelSpec spec = base;
  spec.aggregator = Aggregator::gcn;
  models.push_back({"sage gcn", spec});
  spec = base;
  spec.kind = ModelKind::gcn;
  models.push_back({"gcn", spec});
  spec.kind = ModelKind::gat;
  models.push_back({"gat", spec});
  spec.kind = ModelKind::mlp;
  models.push_back({"mlp", spec});
  spec = base;
  spec.norm = Norm::layer;
  models.push_back({"sage mean with norms", spec});
  return models;
}

inline bool is_symmetric_task(const Dataset& data) { return data.direction == Direction::symmetric; }

// The same graph for each layer.
inline std::vector<GraphPtr> whole_graphs(const Dataset& data, const ModelSpec& spec, torch::Dtype dtype) {
  const GraphPtr graph = whole_graph(data.graph, is_symmetric_task(data), spec, dtype, true);
  return std::vector<GraphPtr>(static_cast<std::size_t>(spec.layers), graph);
}

inline double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.numel() == 0) return 0;
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

}  // namespace tenfold::gnnbench::testing
