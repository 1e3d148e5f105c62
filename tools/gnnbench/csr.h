// The graph: compressed sparse rows. Row v lists the in-neighbours of v (the sources u of edges u -> v), ascending, unique,
// without self loops. Models that want a loop add it themselves.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tenfold::gnnbench {

using NodeId = std::int32_t;     // n < 2^31
using EdgeIndex = std::int64_t;  // into indices

// Somebody else's arrays (a mapped file, a Csr).
struct CsrView {
  std::span<const EdgeIndex> indptr;  // [rows + 1], from 0
  std::span<const NodeId> indices;    // [indptr.back()]

  std::int64_t rows() const { return indptr.empty() ? 0 : static_cast<std::int64_t>(indptr.size()) - 1; }
  EdgeIndex edges() const { return indptr.empty() ? 0 : indptr.back(); }
  EdgeIndex degree(std::int64_t row) const {
    return indptr[static_cast<std::size_t>(row) + 1] - indptr[static_cast<std::size_t>(row)];
  }
  std::span<const NodeId> row(std::int64_t row) const {
    return indices.subspan(static_cast<std::size_t>(indptr[static_cast<std::size_t>(row)]),
                           static_cast<std::size_t>(degree(row)));
  }
};

struct Csr {
  std::vector<EdgeIndex> indptr = {0};
  std::vector<NodeId> indices;
  CsrView view() const { return {indptr, indices}; }
};

struct Edge {
  NodeId source = 0, target = 0;
};

enum class Direction : std::uint8_t { symmetric, in, out };  // sym: each reverse edge is added; out: rows list the targets

// What the input held before it was made a simple graph.
struct EdgeCounts {
  std::int64_t raw_edges = 0;    // lines or entries of the input
  std::int64_t self_loops = 0;   // dropped
  std::int64_t duplicates = 0;   // dropped, of the edges as directed
  std::int64_t asymmetric = 0;   // edges (after the two above) whose reverse is not there
};

struct BuiltGraph {
  Csr csr;
  EdgeCounts counts;
};

// Time O(edges + n), memory one more copy of the edges. Ids must be in [0, n): readers check, with file and line.
BuiltGraph build_graph(std::int64_t n, std::vector<Edge> edges, Direction direction);

// The graph of the reversed edges, rows ascending; `columns` is its number of rows.
Csr transpose(CsrView graph, std::int64_t columns);

bool is_symmetric(CsrView graph);

}  // namespace tenfold::gnnbench
