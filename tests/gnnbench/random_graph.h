// Small random graphs and arrays for the kernels' tests.
#pragma once

#include <cstdint>
#include <vector>

#include "base/philox.h"
#include "gnnbench/csr.h"

namespace tenfold::gnnbench {

// `rows` x `columns`, each entry with probability `density`; row 1 is empty and row 2 full where there are such rows.
inline Csr random_csr(std::int64_t rows, std::int64_t columns, double density, std::uint64_t seed) {
  PhiloxStream random(seed, "test graph");
  Csr graph;
  for (std::int64_t v = 0; v < rows; ++v) {
    for (std::int64_t u = 0; u < columns; ++u) {
      const bool drawn = random.uniform() < density;
      if (v == 2 || (v != 1 && drawn)) graph.indices.push_back(static_cast<NodeId>(u));
    }
    graph.indptr.push_back(static_cast<EdgeIndex>(graph.indices.size()));
  }
  return graph;
}

// n nodes, as the tool's graphs are: without loops.
inline Csr random_graph(std::int64_t n, double density, std::uint64_t seed) {
  const Csr with_loops = random_csr(n, n, density, seed);
  Csr graph;
  for (std::int64_t v = 0; v < n; ++v) {
    for (const NodeId u : with_loops.view().row(v))
      if (u != v) graph.indices.push_back(u);
    graph.indptr.push_back(static_cast<EdgeIndex>(graph.indices.size()));
  }
  return graph;
}

template <class Real>
std::vector<Real> random_numbers(std::size_t count, std::uint64_t seed) {
  PhiloxStream random(seed, "test numbers");
  std::vector<Real> out(count);
  for (Real& x : out) x = static_cast<Real>(random.normal());
  return out;
}

}  // namespace tenfold::gnnbench
