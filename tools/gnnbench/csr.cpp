// Making simple graphs from edges, and turning them round.
#include "gnnbench/csr.h"

#include <algorithm>

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Counting sort of the edges by row (`row_of`), then each row ascending.
template <class Row, class Column>
Csr rows_of(std::int64_t n, const std::vector<Edge>& edges, Row row_of, Column column_of) {
  Csr out;
  out.indptr.assign(at(n) + 1, 0);
  for (const Edge& e : edges) ++out.indptr[at(row_of(e)) + 1];
  for (std::int64_t v = 0; v < n; ++v) out.indptr[at(v) + 1] += out.indptr[at(v)];
  out.indices.resize(edges.size());
  std::vector<EdgeIndex> next(out.indptr.begin(), out.indptr.end() - 1);
  for (const Edge& e : edges) out.indices[at(next[at(row_of(e))]++)] = column_of(e);
  for (std::int64_t v = 0; v < n; ++v)
    std::sort(out.indices.begin() + out.indptr[at(v)], out.indices.begin() + out.indptr[at(v) + 1]);
  return out;
}

// Rows without repeated entries; returns how many were dropped.
std::int64_t drop_repeats(Csr& graph) {
  EdgeIndex kept = 0, begin = 0;
  for (std::size_t v = 0; v + 1 < graph.indptr.size(); ++v) {
    const EdgeIndex end = graph.indptr[v + 1];
    const EdgeIndex first = kept;
    for (EdgeIndex e = begin; e < end; ++e)
      if (kept == first || graph.indices[at(kept - 1)] != graph.indices[at(e)]) graph.indices[at(kept++)] = graph.indices[at(e)];
    begin = end;
    graph.indptr[v + 1] = kept;
  }
  const auto dropped = static_cast<std::int64_t>(graph.indices.size()) - kept;
  graph.indices.resize(at(kept));
  return dropped;
}

// Each row the union of the same rows of two graphs; counts entries of `a` that `b` has not.
Csr unite(const Csr& a, const Csr& b, std::int64_t& only_in_a) {
  Csr out;
  out.indptr.assign(a.indptr.size(), 0);
  out.indices.reserve(a.indices.size());
  only_in_a = 0;
  for (std::size_t v = 0; v + 1 < a.indptr.size(); ++v) {
    EdgeIndex i = a.indptr[v], j = b.indptr[v];
    while (i < a.indptr[v + 1] || j < b.indptr[v + 1]) {
      const bool take_a = j == b.indptr[v + 1] || (i < a.indptr[v + 1] && a.indices[at(i)] <= b.indices[at(j)]);
      const NodeId next = take_a ? a.indices[at(i)] : b.indices[at(j)];
      const bool both = take_a && j < b.indptr[v + 1] && b.indices[at(j)] == next;
      only_in_a += take_a && !both;
      i += take_a;
      j += !take_a || both;
      out.indices.push_back(next);
    }
    out.indptr[v + 1] = static_cast<EdgeIndex>(out.indices.size());
  }
  return out;
}

}  // namespace

BuiltGraph build_graph(std::int64_t n, std::vector<Edge> edges, Direction direction) {
  BuiltGraph out;
  out.counts.raw_edges = static_cast<std::int64_t>(edges.size());
  out.counts.self_loops = static_cast<std::int64_t>(std::erase_if(edges, [](const Edge& e) { return e.source == e.target; }));
  const auto source = [](const Edge& e) { return e.source; };
  const auto target = [](const Edge& e) { return e.target; };
  Csr in = rows_of(n, edges, target, source);
  out.counts.duplicates = drop_repeats(in);
  Csr reversed = rows_of(n, edges, source, target);
  drop_repeats(reversed);
  Csr both = unite(in, reversed, out.counts.asymmetric);
  switch (direction) {
    case Direction::symmetric: out.csr = std::move(both); break;
    case Direction::in: out.csr = std::move(in); break;
    case Direction::out: out.csr = std::move(reversed); break;
  }
  return out;
}

Csr transpose(CsrView graph, std::int64_t columns) {
  Csr out;
  out.indptr.assign(at(columns) + 1, 0);
  for (const NodeId u : graph.indices) ++out.indptr[at(u) + 1];
  for (std::int64_t u = 0; u < columns; ++u) out.indptr[at(u) + 1] += out.indptr[at(u)];
  out.indices.resize(graph.indices.size());
  std::vector<EdgeIndex> next(out.indptr.begin(), out.indptr.end() - 1);
  for (std::int64_t v = 0; v < graph.rows(); ++v)
    for (const NodeId u : graph.row(v)) out.indices[at(next[at(u)]++)] = static_cast<NodeId>(v);
  return out;
}

bool is_symmetric(CsrView graph) {
  const Csr turned = transpose(graph, graph.rows());
  return std::equal(turned.indptr.begin(), turned.indptr.end(), graph.indptr.begin(), graph.indptr.end()) &&
         std::equal(turned.indices.begin(), turned.indices.end(), graph.indices.begin(), graph.indices.end());
}

}  // namespace tenfold::gnnbench
