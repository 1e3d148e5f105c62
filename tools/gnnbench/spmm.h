// Product of a CSR matrix and a dense one, the aggregation step of every GNN layer here. Memory bound: the bench reports gathered
// bytes per second against the machine's read bandwidth.
#pragma once

#include <cstdint>
#include <span>

#include "base/threads.h"
#include "gnnbench/csr.h"

namespace tenfold::gnnbench {

// How a row is reduced.
enum class Reduce : std::uint8_t {
  sum,  // sum_u w_uv x_u
  mean,  // the sum divided by the row's own scale: divide[v], or its number of entries where divide is empty; 0 for an empty row
};

struct SpmmInput {
  CsrView graph;  // rows = destinations, indices = rows of x
  std::span<const float> weights;  // [edges], or empty: all 1
  std::span<const float> divide;  // [rows], or empty
  std::span<const float> x;  // [*, width] row-major
  std::int64_t width = 0;
  bool add_self = false;  // adds x_v once to row v's sum, counted in a mean's number of entries (destinations are x's first rows)
};

// out[v, :], row-major [rows, width], overwritten (or added to, where accumulate). Deterministic for any number of threads and
// equal in all instruction sets: each row is summed by one thread, in neighbour order, its own entry (add_self) where its id
// sorts.
void spmm(const SpmmInput& input, Reduce reduce, std::span<float> out, ThreadPool& pool, bool accumulate = false);
void spmm(CsrView graph, std::span<const double> weights, std::span<const double> x, std::int64_t width,
          std::span<double> out);  // plain, fp64

// dX = A^T dY for the same A, through the transposed CSR (its edges' weights permuted likewise): spmm with `transposed`.
// edge_of_transposed[e'] is the edge of the forward CSR that became e': for weights that belong to edges.
struct TransposedGraph {
  Csr csr;
  std::vector<EdgeIndex> edge_of;  // [edges]
};
TransposedGraph transpose_with_edges(CsrView graph, std::int64_t columns);

// Row-wise maximum with its argument (pool aggregator). argmax[v, j] is the edge within the row (-1: empty row, value 0).
void spmm_max(CsrView graph, std::span<const float> x, std::int64_t width, std::span<float> out, std::span<std::int32_t> argmax,
              ThreadPool& pool);

// rows[i, :] = x[ids[i], :].
void gather_rows(std::span<const float> x, std::int64_t width, std::span<const NodeId> ids, std::span<float> rows,
                 ThreadPool& pool);

const char* spmm_instruction_set();  // avx512, avx2, plain: chosen at run time

}  // namespace tenfold::gnnbench
