// Dropout whose mask is a function of (seed, update, layer, global node, feature): it is not stored, the backward pass makes it
// again, and every worker that holds a copy of a node drops the same features of it. Feature j of a node is kept iff word j mod 4
// of draw j / 4 is at least p 2^32; what is kept is divided by 1 - p.
#pragma once

#include <cstdint>
#include <span>

#include "base/instruction_set.h"
#include "base/threads.h"
#include "gnnbench/csr.h"
#include "gnnbench/keyed_random.h"

namespace tenfold::gnnbench {

struct DropoutKey {
  RandomKey key;
  Purpose purpose = Purpose::dropout;
  std::uint32_t update = 0;
  std::uint32_t layer = 0;  // < 256
  double p = 0;  // in [0, 1)

  std::uint64_t threshold() const;  // p 2^32, rounded
  float scale() const;  // 1 / (1 - p)
};

// out = mask * x / (1 - p), rows of `width`; row i is of node nodes[i] (of node i where nodes is empty). In place is fine. It is
// linear, so the backward pass is the same call on the gradient. p = 0 copies.
void dropout_rows(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const float> x, std::int64_t width,
                  std::span<float> out, ThreadPool& pool);
void dropout_rows(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const float> x, std::int64_t width,
                  std::span<float> out, ThreadPool& pool, InstructionSet set);
void dropout_rows(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const double> x, std::int64_t width,
                  std::span<double> out, ThreadPool& pool);

// out = mask * max(x, 0) / (1 - p) in one pass (NaN stays NaN where it is kept), and its gradient from `out` alone: an entry
// passes iff it is not 0. In place is fine.
void relu_dropout_rows(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const float> x, std::int64_t width,
                       std::span<float> out, ThreadPool& pool);
void relu_dropout_rows(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const double> x, std::int64_t width,
                       std::span<double> out, ThreadPool& pool);
template <class Real>
void relu_dropout_backward(const DropoutKey& key, std::span<const Real> out, std::span<const Real> dout, std::span<Real> dx,
                           ThreadPool& pool);

// Sparse features: the stored entry of (node v, column j) is dropped as dense feature j of v would be. `rows` is the CSR of the
// rows, `values` and `out` [entries].
void dropout_entries(const DropoutKey& key, std::span<const NodeId> nodes, CsrView rows, std::span<const float> values,
                     std::span<float> out, ThreadPool& pool);

// Attention: head k of the edge u -> v is kept iff word k mod 4 of (node v, draw u, layer + 256 (k / 4)) is. Global ids:
// target t is targets[t], source s is sources[s] (or themselves where empty). alpha and out: [edges, heads].
template <class Real>
void dropout_edges(const DropoutKey& key, CsrView graph, std::span<const NodeId> targets, std::span<const NodeId> sources,
                   int heads, std::span<const Real> alpha, std::span<Real> out, ThreadPool& pool);
// The same of the added self entries: [rows, heads].
template <class Real>
void dropout_self_edges(const DropoutKey& key, std::span<const NodeId> targets, std::int64_t rows, int heads,
                        std::span<const Real> alpha, std::span<Real> out, ThreadPool& pool);

}  // namespace tenfold::gnnbench
