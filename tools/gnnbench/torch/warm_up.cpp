#include "gnnbench/torch/warm_up.h"

#include <algorithm>

#include "gnnbench/torch/engine.h"
#include "gnnbench/torch/optimiser.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

// Large enough that LibTorch gives hidden rows of common widths to several threads.
constexpr std::int64_t kRows = 1024;
constexpr std::int64_t kFeatures = 1024;  // of more the weights alone would take memory

Csr ring(std::int64_t nodes) {
  Csr graph;
  for (std::int64_t v = 0; v < nodes; ++v) {
    const auto before = static_cast<NodeId>((v + nodes - 1) % nodes), after = static_cast<NodeId>((v + 1) % nodes);
    graph.indices.push_back(std::min(before, after));
    graph.indices.push_back(std::max(before, after));
    graph.indptr.push_back(static_cast<EdgeIndex>(graph.indices.size()));
  }
  return graph;
}

}  // namespace

void warm_up(const ModelSpec& spec, std::int64_t all_features, int classes, bool sparse, const ComputePtr& compute) {
  const std::int64_t features = std::min(all_features, kFeatures);
  const Csr graph = ring(kRows);
  std::vector<EdgeIndex> indptr(static_cast<std::size_t>(kRows) + 1);
  std::vector<NodeId> columns(static_cast<std::size_t>(kRows));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i] = static_cast<NodeId>(static_cast<std::int64_t>(i) % features);
    indptr[i + 1] = static_cast<EdgeIndex>(i + 1);
  }
  const std::vector<float> values(columns.size(), 1.0f);
  Features x{.width = features, .dense = {}, .indptr = indptr, .columns = columns, .values = values};
  LayerRows rows;
  if (sparse)
    rows = all_feature_rows(x, kRows, torch::kFloat32, true);
  else
    rows.dense = torch::zeros({kRows, features});

  Network network(spec, features, classes, RandomKey{}, torch::kFloat32, compute);
  Optimiser optimiser(network.parameters(), 1e-3, 0, DecayScope::all);
  const std::vector<GraphPtr> graphs(static_cast<std::size_t>(spec.layers),
                                     whole_graph(graph.view(), true, spec, torch::kFloat32, true));
  const Tensor all = torch::arange(kRows, torch::kInt64), labels = torch::zeros({kRows}, torch::kInt64);
  for (int update = 0; update < 2; ++update) {
    optimiser.zero_gradients();
    const Draws draws{.key = {}, .update = 0, .on = true};
    cross_entropy(network.forward(rows, graphs, draws), all, labels, kRows).backward();
    optimiser.reduce(nullptr);
    optimiser.step();
  }
}

}  // namespace tenfold::gnnbench
