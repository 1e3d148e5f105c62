#include "gnnbench/torch/layer_graph.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tenfold::gnnbench {
namespace {

torch::Tensor to_tensor(std::vector<double>& values, torch::Dtype dtype) {
  return torch::from_blob(values.data(), {static_cast<std::int64_t>(values.size())}, torch::kFloat64).to(dtype, false, true);
}

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<double> as_doubles(std::span<const EdgeIndex> degrees) { return {degrees.begin(), degrees.end()}; }

void set_transposed(LayerGraph& graph, bool linear) {
  if (linear && graph.symmetric) return;
  graph.transposed = std::make_shared<TransposedGraph>(transpose_with_edges(graph.forward, graph.sources));
}

// What the entries of each row count, as degrees.
std::vector<double> row_counts(CsrView graph) {
  std::vector<double> counts(index(graph.rows()));
  for (std::int64_t v = 0; v < graph.rows(); ++v) counts[index(v)] = static_cast<double>(graph.degree(v));
  return counts;
}

}  // namespace

std::vector<EdgeIndex> whole_degrees(CsrView graph, bool loop) {
  std::vector<EdgeIndex> degrees(index(graph.rows()));
  for (std::int64_t v = 0; v < graph.rows(); ++v) degrees[index(v)] = graph.degree(v) + (loop ? 1 : 0);
  return degrees;
}

std::shared_ptr<const Csr> with_loops(CsrView graph, std::int64_t first, std::int64_t last) {
  auto out = std::make_shared<Csr>();
  out->indptr.reserve(index(last - first) + 1);
  out->indices.reserve(index(graph.indptr[index(last)] - graph.indptr[index(first)] + last - first));
  for (std::int64_t v = first; v < last; ++v) {
    const std::span<const NodeId> row = graph.row(v);
    const auto place = std::lower_bound(row.begin(), row.end(), static_cast<NodeId>(v));
    out->indices.insert(out->indices.end(), row.begin(), place);
    out->indices.push_back(static_cast<NodeId>(v));
    out->indices.insert(out->indices.end(), place, row.end());
    out->indptr.push_back(static_cast<EdgeIndex>(out->indices.size()));
  }
  return out;
}

void set_linear_weights(LayerGraph& graph, const ModelSpec& model, std::span<const double> source_degrees,
                        std::span<const double> row_degrees, torch::Dtype dtype) {
  const bool gcn = model.kind == ModelKind::gcn;
  std::vector<double> divide(row_degrees.begin(), row_degrees.end());
  for (double& d : divide) d = d > 0 ? (gcn ? std::sqrt(d) : d) : 1;
  std::vector<double> inverse(divide.size());
  std::transform(divide.begin(), divide.end(), inverse.begin(), [](double d) { return 1 / d; });
  graph.divide = to_tensor(divide, dtype);
  graph.inverse_divide = to_tensor(inverse, dtype);
  if (!gcn) return;
  std::vector<double> root(source_degrees.begin(), source_degrees.end());
  for (double& d : root) d = d > 0 ? std::sqrt(d) : 1;
  std::vector<double> scale(root.size());
  std::transform(root.begin(), root.end(), scale.begin(), [](double d) { return 1 / d; });
  graph.scale = to_tensor(scale, dtype);
  graph.inverse_scale = to_tensor(root, dtype);
}

GraphPtr whole_graph(CsrView csr, bool symmetric, const ModelSpec& model, torch::Dtype dtype, bool differentiable) {
  auto graph = c10::make_intrusive<LayerGraph>();
  graph->sources = csr.rows();
  graph->symmetric = symmetric;
  const bool linear = model.linear_aggregation(), loop = model.adds_loop();
  if (loop && !linear) {
    const auto looped = with_loops(csr, 0, csr.rows());
    graph->forward = looped->view();
    graph->storage = looped;
  } else {
    graph->forward = csr;
    graph->add_self = loop;
  }
  if (linear) {
    const std::vector<double> degrees = as_doubles(whole_degrees(csr, loop));
    set_linear_weights(*graph, model, degrees, degrees, dtype);
  }
  if (differentiable && model.uses_graph()) set_transposed(*graph, linear);
  return graph;
}

GraphPtr row_range(CsrView csr, std::int64_t first, std::int64_t last, const ModelSpec& model, torch::Dtype dtype) {
  auto graph = c10::make_intrusive<LayerGraph>();
  graph->sources = csr.rows();
  const bool loop = model.adds_loop();
  std::shared_ptr<const Csr> rows;
  if (loop) {
    rows = with_loops(csr, first, last);
  } else {
    auto copy = std::make_shared<Csr>();
    for (std::int64_t v = first; v < last; ++v) copy->indptr.push_back(csr.indptr[index(v) + 1] - csr.indptr[index(first)]);
    copy->indices.assign(csr.indices.begin() + csr.indptr[index(first)], csr.indices.begin() + csr.indptr[index(last)]);
    rows = copy;
  }
  graph->forward = rows->view();
  graph->storage = rows;
  if (model.linear_aggregation()) {
    const std::vector<double> sources =
        model.kind == ModelKind::gcn ? as_doubles(whole_degrees(csr, loop)) : std::vector<double>();
    set_linear_weights(*graph, model, sources, row_counts(graph->forward), dtype);
  }
  return graph;
}

GraphPtr block_graph(const Block& block, std::span<const EdgeIndex> degrees, const ModelSpec& model, GcnNorm norm,
                     torch::Dtype dtype) {
  auto graph = c10::make_intrusive<LayerGraph>();
  graph->forward = block.view();
  graph->sources = static_cast<std::int64_t>(block.sources.size());
  graph->source_ids = block.sources;
  const bool linear = model.linear_aggregation();
  if (linear) {
    std::vector<double> rows = row_counts(graph->forward);
    if (model.kind != ModelKind::gcn) {
      set_linear_weights(*graph, model, {}, rows, dtype);
    } else if (norm == GcnNorm::sub) {
      // The block as a graph of its own: sources that are no destinations have their loop alone.
      std::vector<double> sources(block.sources.size(), 1);
      std::copy(rows.begin(), rows.end(), sources.begin());
      set_linear_weights(*graph, model, sources, rows, dtype);
    } else {
      // A^_vu over the probability that the entry was kept: sqrt(d_v) is divided by the inverse of that.
      std::vector<double> sources(block.sources.size());
      for (std::size_t i = 0; i < sources.size(); ++i) sources[i] = static_cast<double>(degrees[index(block.sources[i])]);
      for (std::size_t v = 0; v < rows.size(); ++v) {
        const double inverse = block.inverse_inclusion.empty() ? 1 : block.inverse_inclusion[v];
        rows[v] = sources[v] / (inverse * inverse);
      }
      set_linear_weights(*graph, model, sources, rows, dtype);
    }
  }
  if (model.uses_graph()) set_transposed(*graph, linear);
  return graph;
}

}  // namespace tenfold::gnnbench
