// Sharing a graph's rows among threads.
#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "gnnbench/csr.h"

namespace tenfold::gnnbench {

// Row ranges of about equal work (entries + rows), at most `pieces`: [0] = 0, back() = rows.
std::vector<std::int64_t> balanced_rows(CsrView graph, int pieces);

inline constexpr int kPiecesAThread = 8;            // so that a thread that is held up does not hold up all
inline constexpr std::int64_t kAloneBelow = 32768;  // elements: below, waking threads costs more than the work

// body(begin, end) for ranges that make up all rows; a row costs (entries + 1) * width.
template <class Body>
void for_rows(CsrView graph, std::int64_t width, ThreadPool& pool, const Body& body) {
  if (graph.rows() == 0) return;
  if (pool.size() == 1 || (graph.edges() + graph.rows()) * width < kAloneBelow) return body(std::int64_t{0}, graph.rows());
  const auto bounds = balanced_rows(graph, pool.size() * kPiecesAThread);
  pool.for_each(static_cast<int>(bounds.size()) - 1, [&](int i) {
    const auto piece = static_cast<std::size_t>(i);
    body(bounds[piece], bounds[piece + 1]);
  });
}

// The same for rows of equal cost.
template <class Body>
void for_range(std::int64_t rows, std::int64_t width, ThreadPool& pool, const Body& body) {
  if (rows == 0) return;
  if (pool.size() == 1 || rows * width < kAloneBelow) return body(std::int64_t{0}, rows);
  const int pieces = pool.size() * kPiecesAThread;
  pool.for_each(pieces, [&](int i) { body(rows * i / pieces, rows * (i + 1) / pieces); });
}

}  // namespace tenfold::gnnbench
