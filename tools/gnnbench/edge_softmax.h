// Attention over in-edges, as in GAT (Velickovic et al. 2018, eq. 1 to 4): for edge u -> v and head k
//   s_uvk = a_dst_k . z_vk + a_src_k . z_uk,   e = LeakyReLU(s),   alpha_uvk = exp(e_uvk - max) / sum over v's in-edges.
// The maximum of the row is subtracted, so that no score overflows. The sum alpha z is spmm with `heads`.
#pragma once

#include <cstdint>
#include <span>

#include "base/threads.h"
#include "gnnbench/csr.h"
#include "gnnbench/spmm.h"

namespace tenfold::gnnbench {

template <class Real>
struct AttentionOf {
  CsrView graph;                         // rows = targets; sources begin with the targets
  bool add_self = false;                 // each row also attends to itself
  int heads = 1;                         // K
  Real slope = Real(0.2);                // of LeakyReLU below 0
  std::span<const Real> target_scores{};  // [rows, K] a_dst . z_v
  std::span<const Real> source_scores{};  // [sources, K] a_src . z_u
};
using Attention = AttentionOf<float>;

// alpha [edges, K]; self_alpha [rows, K], used only with add_self. A row is one thread's, so the bits do not depend on threads.
template <class Real>
void edge_softmax(const AttentionOf<Real>& attention, std::span<Real> alpha, std::span<Real> self_alpha, ThreadPool& pool);

// From the gradients of alpha to those of s, in place: ds = LeakyReLU'(s) alpha (dalpha - sum over the row of alpha dalpha).
// target_gradients [rows, K] gets the row sums.
template <class Real>
void edge_softmax_backward(const AttentionOf<Real>& attention, std::span<const Real> alpha, std::span<const Real> self_alpha,
                           std::span<Real> gradients, std::span<Real> self_gradients, std::span<Real> target_gradients,
                           ThreadPool& pool);

// source_gradients[u, k] = sum over u's out-edges (transposed.edge_of) of gradients[e, k], and self_gradients[u, k] for u among
// the targets (empty without add_self).
template <class Real>
void source_sums(const TransposedGraph& transposed, int heads, std::span<const Real> gradients,
                 std::span<const Real> self_gradients, std::span<Real> source_gradients, ThreadPool& pool);

// dots[e, k] = a[v, k, :] . b[u, k, :] for each edge u -> v (gradient of alpha: a = dout, b = z), self_dots[v, k] = a_v . b_v.
// Rows of `width`; sums go over eight lanes in one tree.
template <class Real>
void edge_dots(CsrView graph, bool add_self, int heads, std::span<const Real> a, std::span<const Real> b, std::int64_t width,
               std::span<Real> dots, std::span<Real> self_dots, ThreadPool& pool);

}  // namespace tenfold::gnnbench
