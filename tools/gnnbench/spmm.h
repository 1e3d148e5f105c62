// Product of a CSR matrix and a dense one, the aggregation step of every GNN layer here. Memory bound: the bench reports gathered
// bytes per second against the machine's read bandwidth.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/instruction_set.h"
#include "base/threads.h"
#include "gnnbench/csr.h"

namespace tenfold::gnnbench {

// How a row is reduced.
enum class Reduce : std::uint8_t {
  sum,  // s_v = sum_u w_uv x_u
  mean,  // s_v divided by divide[v], or by the row's number of entries where divide is empty; an empty row gives 0
};

// A graph with rows = destinations and indices = rows of x (a full graph, a block, the CSR of sparse features). The weight of
// entry e = (u -> v) is weights[e], weights[edge_of[e]], column_weights[u] or 1: at most one of weights and column_weights is
// given. gcn's A^ needs no weight an edge: column_weights 1/sqrt(d), divide sqrt(d).
template <class Real>
struct SpmmInputOf {
  CsrView graph;
  std::span<const Real> weights{};  // [edges, heads]
  std::span<const EdgeIndex> edge_of{};  // [edges]; weights are stored in another order (TransposedGraph)
  std::span<const Real> column_weights{};  // [rows of x]
  std::span<const Real> self_weights{};  // [rows, heads] of the added self entry; empty: column_weights[v], else 1
  std::span<const Real> divide{};  // [rows]; mean only
  std::span<const Real> x{};  // [*, width] row-major
  std::int64_t width = 0;
  int heads = 1;  // columns [k width/heads, (k+1) width/heads) take the weights of head k
  bool add_self =
      false;  // adds w x_v once to row v's sum, counted in a mean's number of entries (destinations are x's first rows)
};
using SpmmInput = SpmmInputOf<float>;

// out[v, :], row-major [rows, width], overwritten (or added to, where accumulate). Deterministic for any number of threads and
// equal in all instruction sets: each row is summed by one thread, in neighbour order, its own entry (add_self) before the first
// neighbour of a greater id.
void spmm(const SpmmInput& input, Reduce reduce, std::span<float> out, ThreadPool& pool, bool accumulate = false);
void spmm(const SpmmInput& input, Reduce reduce, std::span<float> out, ThreadPool& pool, bool accumulate, InstructionSet set);
void spmm(const SpmmInputOf<double>& input, Reduce reduce, std::span<double> out, ThreadPool& pool, bool accumulate = false);

// dX = A^T dY for the same A, through the transposed CSR: spmm with `csr`, the forward's weights and this edge_of. A symmetric
// graph whose weights come from column_weights and divide needs none: its A^ is its own transpose.
// edge_of[e'] is the edge of the forward CSR that became e'.
struct TransposedGraph {
  Csr csr;
  std::vector<EdgeIndex> edge_of;  // [edges]
};
TransposedGraph transpose_with_edges(CsrView graph, std::int64_t columns);

// Row-wise maximum with its argument (pool aggregator). argmax[v, j] is the place of the first greatest entry within the row,
// kArgmaxSelf for the row's own (add_self, considered first), kArgmaxNone in an empty row, whose value is 0.
inline constexpr std::int32_t kArgmaxNone = -1, kArgmaxSelf = -2;
template <class Real>
void spmm_max(CsrView graph, bool add_self, std::span<const Real> x, std::int64_t width, std::span<Real> out,
              std::span<std::int32_t> argmax, ThreadPool& pool);
// dx[u, j] = sum of dout[v, j] over the v whose argmax is the edge u -> v (or u itself); overwritten. `rows` = destinations.
template <class Real>
void spmm_max_backward(CsrView graph, const TransposedGraph& transposed, bool add_self, std::span<const std::int32_t> argmax,
                       std::span<const Real> dout, std::int64_t width, std::span<Real> dx, ThreadPool& pool);

// rows[i, :] = x[ids[i], :].
template <class Real>
void gather_rows(std::span<const Real> x, std::int64_t width, std::span<const NodeId> ids, std::span<Real> rows,
                 ThreadPool& pool);

const char* spmm_instruction_set();  // avx512, avx2, plain: chosen at run time

}  // namespace tenfold::gnnbench
