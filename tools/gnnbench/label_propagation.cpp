#include "gnnbench/label_propagation.h"

#include <cmath>

#include "gnnbench/spmm.h"

namespace tenfold::gnnbench {

std::vector<float> propagate_labels(const Dataset& data, ThreadPool& pool) {
  const auto n = static_cast<std::size_t>(data.nodes()), classes = static_cast<std::size_t>(data.classes);
  std::vector<float> root(n), inverse(n), labels(n * classes, 0.0f);
  for (std::size_t v = 0; v < n; ++v) {
    const double d = static_cast<double>(data.graph.degree(static_cast<std::int64_t>(v)) + 1);
    root[v] = static_cast<float>(std::sqrt(d));
    inverse[v] = static_cast<float>(1 / std::sqrt(d));
    if (static_cast<Part>(data.split[v]) == Part::train && data.labels[v] >= 0)
      labels[v * classes + static_cast<std::size_t>(data.labels[v])] = 1;
  }
  std::vector<float> z = labels, next(z.size());
  for (int step = 0; step < kPropagationSteps; ++step) {
    SpmmInput input;
    input.graph = data.graph;
    input.column_weights = inverse;
    input.divide = root;
    input.x = z;
    input.width = data.classes;
    input.add_self = true;
    spmm(input, Reduce::mean, next, pool);
    for (std::size_t i = 0; i < z.size(); ++i) z[i] = kPropagationShare * next[i] + (1 - kPropagationShare) * labels[i];
  }
  return z;
}

}  // namespace tenfold::gnnbench
