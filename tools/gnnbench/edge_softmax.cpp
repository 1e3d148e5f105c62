// Attention over in-edges.
#include "gnnbench/edge_softmax.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "gnnbench/row_pieces.h"

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// exp of x <= 0 in place. In single precision by Cody and Waite's reduction, x = n log 2 + r, and the polynomial of Cephes' expf
// (2 ulp), which a compiler can put on lanes as it cannot std::exp; below exp(-87), where it would turn subnormal, 0.
void exponentials(float* x, std::int64_t count) {
  constexpr float kLogHigh = 0.693359375f, kLogLow = -2.12194440e-4f, kPerLog = 1.44269504088896341f;
  constexpr float kRound = 12582912.f;  // 1.5 2^23: adding it rounds to an integer, which stands in the lowest bits
  for (std::int64_t i = 0; i < count; ++i) {
    const float clamped = x[i] < -87.f ? -87.f : x[i];
    const float shifted = clamped * kPerLog + kRound;
    const float n = shifted - kRound;
    const float r = clamped - n * kLogHigh - n * kLogLow;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.f;
    std::int32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    std::int32_t power = (bits - 0x4B400000 + 127) << 23;  // 2^n
    float scale;
    std::memcpy(&scale, &power, sizeof scale);
    const float value = p * scale;
    x[i] = x[i] < -87.f ? 0.f : x[i] == x[i] ? value : x[i];
  }
}
void exponentials(double* x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = std::exp(x[i]);
}

template <class Real>
Real leaky(Real s, Real slope) {
  return s > 0 ? s : s * slope;
}

// The entries of a row and the scores s of one entry.
template <class Real>
struct Row {
  const AttentionOf<Real>& a;
  std::int64_t v;
  EdgeIndex first, last;
  Row(const AttentionOf<Real>& attention, std::int64_t row)
      : a(attention), v(row), first(a.graph.indptr[at(v)]), last(a.graph.indptr[at(v) + 1]) {}
  std::int64_t entries() const { return last - first; }
  Real score(std::int64_t source, int k) const {
    return a.target_scores[at(v * a.heads + k)] + a.source_scores[at(source * a.heads + k)];
  }
  std::int64_t source(EdgeIndex e) const { return a.graph.indices[at(e)]; }
};

// One row: e into the outputs, the maximum subtracted, exponentials, divided by their sum (in neighbour order, the loop last).
template <class Real>
void softmax_row(const Row<Real>& row, Real* alpha, Real* self_alpha, std::vector<Real>& highest, std::vector<Real>& total) {
  const AttentionOf<Real>& a = row.a;
  const int heads = a.heads;
  highest.assign(at(heads), -std::numeric_limits<Real>::infinity());
  const auto enter = [&](std::int64_t source, Real* to) {
    for (int k = 0; k < heads; ++k) {
      to[k] = leaky(row.score(source, k), a.slope);
      if (to[k] > highest[at(k)]) highest[at(k)] = to[k];
    }
  };
  for (EdgeIndex e = row.first; e < row.last; ++e) enter(row.source(e), alpha + (e - row.first) * heads);
  if (a.add_self) enter(row.v, self_alpha);
  const auto each = [&](const auto& visit) {
    for (std::int64_t i = 0; i < row.entries(); ++i)
      for (int k = 0; k < heads; ++k) visit(alpha[i * heads + k], at(k));
    if (a.add_self)
      for (int k = 0; k < heads; ++k) visit(self_alpha[k], at(k));
  };
  each([&](Real& x, std::size_t k) { x -= highest[k]; });
  exponentials(alpha, row.entries() * heads);
  if (a.add_self) exponentials(self_alpha, heads);
  total.assign(at(heads), 0);
  each([&](const Real& x, std::size_t k) { total[k] += x; });
  each([&](Real& x, std::size_t k) { x /= total[k]; });
}

template <class Real>
void backward_row(const Row<Real>& row, const Real* alpha, const Real* self_alpha, Real* gradients, Real* self_gradients,
                  Real* target, std::vector<Real>& mean) {
  const AttentionOf<Real>& a = row.a;
  const int heads = a.heads;
  mean.assign(at(heads), 0);
  for (std::int64_t i = 0; i < row.entries(); ++i)
    for (int k = 0; k < heads; ++k) mean[at(k)] += alpha[i * heads + k] * gradients[i * heads + k];
  if (a.add_self)
    for (int k = 0; k < heads; ++k) mean[at(k)] += self_alpha[k] * self_gradients[k];
  std::fill_n(target, heads, Real{0});
  const auto turn = [&](std::int64_t source, const Real* weight, Real* gradient) {
    for (int k = 0; k < heads; ++k) {
      const Real inner = weight[k] * (gradient[k] - mean[at(k)]);
      gradient[k] = row.score(source, k) > 0 ? inner : inner * a.slope;
      target[k] += gradient[k];
    }
  };
  for (EdgeIndex e = row.first; e < row.last; ++e) {
    const std::int64_t i = (e - row.first) * heads;
    turn(row.source(e), alpha + i, gradients + i);
  }
  if (a.add_self) turn(row.v, self_alpha, self_gradients);
}

// Eight lanes, folded as ((0+4)+(2+6)) + ((1+5)+(3+7)).
template <class Real>
Real dot(const Real* a, const Real* b, std::int64_t count) {
  Real lane[8] = {};
  std::int64_t j = 0;
  for (; j + 8 <= count; j += 8)
    for (int i = 0; i < 8; ++i) lane[i] += a[j + i] * b[j + i];
  for (int i = 0; j + i < count; ++i) lane[i] += a[j + i] * b[j + i];
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

}  // namespace

template <class Real>
void edge_softmax(const AttentionOf<Real>& a, std::span<Real> alpha, std::span<Real> self_alpha, ThreadPool& pool) {
  for_rows(a.graph, 8 * a.heads, pool, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Real> highest, total;
    for (std::int64_t v = begin; v < end; ++v) {
      const Row<Real> row(a, v);
      softmax_row(row, alpha.data() + row.first * a.heads, a.add_self ? self_alpha.data() + v * a.heads : nullptr, highest,
                  total);
    }
  });
}

template <class Real>
void edge_softmax_backward(const AttentionOf<Real>& a, std::span<const Real> alpha, std::span<const Real> self_alpha,
                           std::span<Real> gradients, std::span<Real> self_gradients, std::span<Real> target_gradients,
                           ThreadPool& pool) {
  for_rows(a.graph, 8 * a.heads, pool, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Real> mean;
    for (std::int64_t v = begin; v < end; ++v) {
      const Row<Real> row(a, v);
      const std::int64_t edge = row.first * a.heads, own = v * a.heads;
      backward_row(row, alpha.data() + edge, a.add_self ? self_alpha.data() + own : nullptr, gradients.data() + edge,
                   a.add_self ? self_gradients.data() + own : nullptr, target_gradients.data() + own, mean);
    }
  });
}

template <class Real>
void source_sums(const TransposedGraph& transposed, int heads, std::span<const Real> gradients,
                 std::span<const Real> self_gradients, std::span<Real> source_gradients, ThreadPool& pool) {
  const CsrView graph = transposed.csr.view();
  for_rows(graph, heads, pool, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t u = begin; u < end; ++u) {
      Real* sum = source_gradients.data() + u * heads;
      std::fill_n(sum, heads, Real{0});
      for (EdgeIndex e = graph.indptr[at(u)]; e < graph.indptr[at(u) + 1]; ++e) {
        const Real* gradient = gradients.data() + transposed.edge_of[at(e)] * heads;
        for (int k = 0; k < heads; ++k) sum[k] += gradient[k];
      }
      if (at(u * heads) < self_gradients.size())
        for (int k = 0; k < heads; ++k) sum[k] += self_gradients[at(u * heads + k)];
    }
  });
}

template <class Real>
void edge_dots(CsrView graph, bool add_self, int heads, std::span<const Real> a, std::span<const Real> b, std::int64_t width,
               std::span<Real> dots, std::span<Real> self_dots, ThreadPool& pool) {
  constexpr EdgeIndex kAhead = 8;
  const std::int64_t columns = width / heads;
  for_rows(graph, width, pool, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t v = begin; v < end; ++v) {
      const Real* own = a.data() + v * width;
      const auto enter = [&](std::int64_t source, Real* to) {
        const Real* other = b.data() + source * width;
        for (int k = 0; k < heads; ++k) to[k] = dot(own + k * columns, other + k * columns, columns);
      };
      for (EdgeIndex e = graph.indptr[at(v)]; e < graph.indptr[at(v) + 1]; ++e) {
        if (e + kAhead < graph.edges()) {
          const Real* ahead = b.data() + graph.indices[at(e + kAhead)] * width;
          for (std::int64_t j = 0; j < width; j += static_cast<std::int64_t>(64 / sizeof(Real))) __builtin_prefetch(ahead + j);
        }
        enter(graph.indices[at(e)], dots.data() + e * heads);
      }
      if (add_self) enter(v, self_dots.data() + v * heads);
    }
  });
}

#define TENFOLD_INSTANTIATE(Real)                                                                                              \
  template void edge_softmax(const AttentionOf<Real>&, std::span<Real>, std::span<Real>, ThreadPool&);                         \
  template void edge_softmax_backward(const AttentionOf<Real>&, std::span<const Real>, std::span<const Real>, std::span<Real>, \
                                      std::span<Real>, std::span<Real>, ThreadPool&);                                          \
  template void source_sums(const TransposedGraph&, int, std::span<const Real>, std::span<const Real>, std::span<Real>,        \
                            ThreadPool&);                                                                                      \
  template void edge_dots(CsrView, bool, int, std::span<const Real>, std::span<const Real>, std::int64_t, std::span<Real>,     \
                          std::span<Real>, ThreadPool&);
TENFOLD_INSTANTIATE(float)
TENFOLD_INSTANTIATE(double)
#undef TENFOLD_INSTANTIATE

}  // namespace tenfold::gnnbench
