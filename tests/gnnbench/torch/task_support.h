// Small classification tasks for the tests of models and training.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/philox.h"
#include "gnnbench/dataset.h"

namespace tenfold::gnnbench::testing {

struct TaskStorage {
  Csr graph;
  std::vector<float> x, values;
  std::vector<EdgeIndex> indptr = {0};
  std::vector<NodeId> columns;
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> split;
};

// A data set over these arrays, which it keeps.
inline Dataset dataset_of(TaskStorage given, std::int64_t features, int classes, Direction direction, bool sparse) {
  auto storage = std::make_shared<TaskStorage>(std::move(given));
  Dataset data;
  data.name = "task";
  data.source = "task";
  data.format = "generated";
  data.digest = "digest of the task";
  data.graph = storage->graph.view();
  data.direction = direction;
  data.features.width = features;
  data.classes = classes;
  data.labels = storage->labels;
  data.split = storage->split;
  data.split_name = "given";
  if (sparse) {
    for (std::size_t v = 0; v < storage->labels.size(); ++v) {
      for (std::int64_t j = 0; j < features; ++j) {
        const float value = storage->x[v * static_cast<std::size_t>(features) + static_cast<std::size_t>(j)];
        if (value == 0) continue;
        storage->columns.push_back(static_cast<NodeId>(j));
        storage->values.push_back(value);
      }
      storage->indptr.push_back(static_cast<EdgeIndex>(storage->columns.size()));
    }
    data.features.indptr = storage->indptr;
    data.features.columns = storage->columns;
    data.features.values = storage->values;
  } else {
    data.features.dense = storage->x;
  }
  data.storage = storage;
  return data;
}

struct TaskShape {
  std::int64_t nodes = 60, features = 9;
  int classes = 4;
  std::int64_t edges = 150;
  bool symmetric = true, sparse = false;
  std::uint64_t seed = 1;
};

// A random graph whose node 0 has no edges, features that tell something of the label, a third of them zero; masks of 50, 25 and
// 25 %.
inline Dataset random_task(const TaskShape& shape) {
  PhiloxStream random(shape.seed, "test task");
  const auto n = static_cast<std::uint32_t>(shape.nodes);
  TaskStorage s;
  for (std::uint32_t v = 0; v < n; ++v) {
    s.labels.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(shape.classes))));
    const double u = random.uniform();
    s.split.push_back(static_cast<std::uint8_t>(u < 0.5 ? Part::train : u < 0.75 ? Part::val : Part::test));
    for (std::int64_t j = 0; j < shape.features; ++j) {
      const double value = random.normal() + (j % shape.classes == s.labels.back() ? 1.0 : 0.0);
      s.x.push_back(random.uniform() < 1.0 / 3 ? 0.0f : static_cast<float>(value));
    }
  }
  std::vector<Edge> edges;
  for (std::int64_t e = 0; e < shape.edges; ++e) {
    const auto u = static_cast<NodeId>(1 + random.below(n - 1));
    // Half of the edges join equal labels, so that there is something to learn from neighbours.
    auto v = static_cast<NodeId>(1 + random.below(n - 1));
    for (int t = 0; t < 3 && s.labels[static_cast<std::size_t>(u)] != s.labels[static_cast<std::size_t>(v)]; ++t)
      v = static_cast<NodeId>(1 + random.below(n - 1));
    edges.push_back({u, v});
  }
  const Direction direction = shape.symmetric ? Direction::symmetric : Direction::in;
  s.graph = build_graph(shape.nodes, edges, direction).csr;
  return dataset_of(std::move(s), shape.features, shape.classes, direction, shape.sparse);
}

}  // namespace tenfold::gnnbench::testing
