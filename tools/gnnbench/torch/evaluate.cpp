#include "gnnbench/torch/evaluate.h"

#include <algorithm>

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

LayerRows chunk_of(const LayerRows& rows, std::int64_t first, std::int64_t last) {
  LayerRows out;
  if (rows.sparse)
    out.sparse = sparse_row_range(*rows.sparse, first, last);
  else
    out.dense = rows.dense.narrow(0, first, last - first);
  return out;
}

// f(first, last) gives rows of the result.
template <class F>
Tensor by_chunks(std::int64_t rows, std::int64_t chunk, F&& f) {
  if (chunk >= rows) return f(std::int64_t{0}, rows);
  Tensor out;
  for (std::int64_t first = 0; first < rows; first += chunk) {
    const std::int64_t last = std::min(rows, first + chunk);
    const Tensor part = f(first, last);
    if (!out.defined()) out = torch::empty({rows, part.size(1)}, part.options());
    out.narrow(0, first, last - first).copy_(part);
  }
  return out;
}

}  // namespace

Tensor infer(const Network& network, const Dataset& data, std::int64_t row_chunk) {
  const torch::NoGradGuard off;
  const ModelSpec& spec = network.spec();
  const std::int64_t n = data.nodes();
  LayerRows rows = all_feature_rows(data.features, n, network.dtype(), false);
  for (int l = 0; l < spec.layers; ++l) {
    Tensor contributions;
    if (spec.uses_graph()) {
      // Where a layer aggregates first its sources contribute their rows as they are.
      const bool as_they_are = network.contributes_rows(l, rows.sparse != nullptr);
      contributions = as_they_are ? rows.dense : by_chunks(n, row_chunk, [&](std::int64_t first, std::int64_t last) {
        return network.contribution(l, chunk_of(rows, first, last));
      });
    }
    Tensor out = by_chunks(n, row_chunk, [&](std::int64_t first, std::int64_t last) {
      const GraphPtr graph = spec.uses_graph() ? row_range(data.graph, first, last, spec, network.dtype()) : GraphPtr();
      return network.combine(l, contributions, chunk_of(rows, first, last), graph, first);
    });
    rows = {.dense = std::move(out), .sparse = {}, .aggregated = {}};
  }
  return rows.dense;
}

std::vector<std::int32_t> predicted_classes(const Tensor& logits) {
  const Tensor values = logits.to(torch::kFloat32).contiguous();
  const float* row = values.const_data_ptr<float>();
  const std::int64_t classes = values.size(1);
  std::vector<std::int32_t> out(static_cast<std::size_t>(values.size(0)));
  for (std::int32_t& best : out) {
    best = static_cast<std::int32_t>(std::max_element(row, row + classes) - row);
    row += classes;
  }
  return out;
}

Correct count_correct(std::span<const std::int32_t> classes, const Dataset& data) {
  Correct correct;
  for (std::size_t v = 0; v < classes.size(); ++v) {
    if (data.labels[v] < 0 || classes[v] != data.labels[v]) continue;
    switch (static_cast<Part>(data.split[v])) {
      case Part::none: break;
      case Part::train: ++correct.train; break;
      case Part::val: ++correct.val; break;
      case Part::test: ++correct.test; break;
    }
  }
  return correct;
}

}  // namespace tenfold::gnnbench
