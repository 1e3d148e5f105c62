// spmm: choice of the instruction set, sharing of the rows, and the kernels that need no vectors of their own.
#include "gnnbench/spmm.h"

#include <algorithm>
#include <cstring>

#include "gnnbench/row_pieces.h"
#include "gnnbench/spmm_kernels.h"

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class Real>
SpmmArguments<Real> head_of(const SpmmInputOf<Real>& in, Reduce reduce, std::span<Real> out, bool accumulate, int head) {
  const auto start = [](std::span<const Real> s, std::int64_t offset) { return s.empty() ? nullptr : s.data() + offset; };
  SpmmArguments<Real> a;
  a.indptr = in.graph.indptr.data();
  a.indices = in.graph.indices.data();
  a.edges = in.graph.edges();
  a.weights = start(in.weights, head);
  a.edge_of = in.edge_of.empty() ? nullptr : in.edge_of.data();
  a.column_weights = start(in.column_weights, 0);
  a.self_weights = start(in.self_weights, head);
  a.weight_stride = in.heads;
  a.add_self = in.add_self;
  a.mean = reduce == Reduce::mean;
  a.accumulate = accumulate;
  a.divide = start(in.divide, 0);
  a.stride = in.width;
  a.width = in.width / in.heads;
  a.x = in.x.data() + head * a.width;
  a.out = out.data() + head * a.width;
  return a;
}

template <class Real>
void multiply(const SpmmInputOf<Real>& in, Reduce reduce, std::span<Real> out, ThreadPool& pool, bool accumulate,
              SpmmRows<Real> rows) {
  if (in.width == 0) return;
  for_rows(in.graph, in.width, pool, [&](std::int64_t begin, std::int64_t end) {
    for (int head = 0; head < in.heads; ++head) rows(head_of(in, reduce, out, accumulate, head), begin, end);
  });
}

}  // namespace

SpmmRows<float> spmm_rows(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512: return spmm_rows_avx512;
    case InstructionSet::avx2: return spmm_rows_avx2;
    case InstructionSet::base: break;
  }
  return spmm_rows_plain;
}

const char* spmm_instruction_set() { return name_of(best_instruction_set()); }

void spmm(const SpmmInput& input, Reduce reduce, std::span<float> out, ThreadPool& pool, bool accumulate, InstructionSet set) {
  multiply(input, reduce, out, pool, accumulate, spmm_rows(set));
}
void spmm(const SpmmInput& input, Reduce reduce, std::span<float> out, ThreadPool& pool, bool accumulate) {
  spmm(input, reduce, out, pool, accumulate, best_instruction_set());
}
void spmm(const SpmmInputOf<double>& input, Reduce reduce, std::span<double> out, ThreadPool& pool, bool accumulate) {
  multiply<double>(input, reduce, out, pool, accumulate, spmm_rows_plain);
}

std::vector<std::int64_t> balanced_rows(CsrView graph, int pieces) {
  const std::int64_t rows = graph.rows(), work = graph.edges() + rows;
  std::vector<std::int64_t> bounds = {0};
  for (int i = 1; i < pieces; ++i) {
    // The first row before which at least i/pieces of the work lies: indptr[v] + v rises with v.
    const std::int64_t goal = work / pieces * i;
    std::int64_t low = bounds.back(), high = rows;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (graph.indptr[at(middle)] + middle < goal)
        low = middle + 1;
      else
        high = middle;
    }
    if (low > bounds.back() && low < rows) bounds.push_back(low);
  }
  bounds.push_back(rows);
  return bounds;
}

TransposedGraph transpose_with_edges(CsrView graph, std::int64_t columns) {
  TransposedGraph out;
  out.csr.indptr.assign(at(columns) + 1, 0);
  for (const NodeId u : graph.indices) ++out.csr.indptr[at(u) + 1];
  for (std::int64_t u = 0; u < columns; ++u) out.csr.indptr[at(u) + 1] += out.csr.indptr[at(u)];
  out.csr.indices.resize(graph.indices.size());
  out.edge_of.resize(graph.indices.size());
  std::vector<EdgeIndex> next(out.csr.indptr.begin(), out.csr.indptr.end() - 1);
  for (std::int64_t v = 0; v < graph.rows(); ++v) {
    for (EdgeIndex e = graph.indptr[at(v)]; e < graph.indptr[at(v) + 1]; ++e) {
      const EdgeIndex place = next[at(graph.indices[at(e)])]++;
      out.csr.indices[at(place)] = static_cast<NodeId>(v);
      out.edge_of[at(place)] = e;
    }
  }
  return out;
}

template <class Real>
void spmm_max(CsrView graph, bool add_self, std::span<const Real> x, std::int64_t width, std::span<Real> out,
              std::span<std::int32_t> argmax, ThreadPool& pool) {
  for_rows(graph, width, pool, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t v = begin; v < end; ++v) {
      Real* best = out.data() + v * width;
      std::int32_t* place = argmax.data() + v * width;
      const auto neighbours = graph.row(v);
      const bool empty = neighbours.empty() && !add_self;
      const std::int64_t start = add_self ? v : empty ? -1 : neighbours[0];
      if (empty)
        std::fill_n(best, width, Real{0});
      else
        std::memcpy(best, x.data() + start * width, at(width) * sizeof(Real));
      std::fill_n(place, width, empty ? kArgmaxNone : add_self ? kArgmaxSelf : 0);
      for (std::size_t i = add_self ? 0 : 1; i < neighbours.size(); ++i) {
        const Real* row = x.data() + neighbours[i] * width;
        const auto here = static_cast<std::int32_t>(i);
        for (std::int64_t j = 0; j < width; ++j) {
          place[j] = row[j] > best[j] ? here : place[j];
          best[j] = row[j] > best[j] ? row[j] : best[j];
        }
      }
    }
  });
}

template <class Real>
void spmm_max_backward(CsrView graph, const TransposedGraph& transposed, bool add_self, std::span<const std::int32_t> argmax,
                       std::span<const Real> dout, std::int64_t width, std::span<Real> dx, ThreadPool& pool) {
  const CsrView turned = transposed.csr.view();
  for_rows(turned, width, pool, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t u = begin; u < end; ++u) {
      Real* sum = dx.data() + u * width;
      std::fill_n(sum, width, Real{0});
      const auto add = [&](std::int64_t v, std::int32_t place) {
        const Real* gradient = dout.data() + v * width;
        const std::int32_t* chosen = argmax.data() + v * width;
        for (std::int64_t j = 0; j < width; ++j) sum[j] += chosen[j] == place ? gradient[j] : Real{0};
      };
      if (add_self && u < graph.rows()) add(u, kArgmaxSelf);
      for (EdgeIndex e = turned.indptr[at(u)]; e < turned.indptr[at(u) + 1]; ++e) {
        const NodeId v = turned.indices[at(e)];
        add(v, static_cast<std::int32_t>(transposed.edge_of[at(e)] - graph.indptr[at(v)]));
      }
    }
  });
}

template <class Real>
void gather_rows(std::span<const Real> x, std::int64_t width, std::span<const NodeId> ids, std::span<Real> rows,
                 ThreadPool& pool) {
  constexpr std::int64_t kAhead = 8;
  const auto count = static_cast<std::int64_t>(ids.size());
  const std::size_t bytes = at(width) * sizeof(Real);
  const auto copy = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (i + kAhead < end) {
        const char* ahead = reinterpret_cast<const char*>(x.data() + ids[at(i + kAhead)] * width);
        for (std::size_t line = 0; line < bytes; line += 64) __builtin_prefetch(ahead + line);
      }
      std::memcpy(rows.data() + i * width, x.data() + ids[at(i)] * width, bytes);
    }
  };
  for_range(count, width, pool, copy);
}

#define TENFOLD_INSTANTIATE(Real)                                                                                              \
  template void spmm_max(CsrView, bool, std::span<const Real>, std::int64_t, std::span<Real>, std::span<std::int32_t>,         \
                         ThreadPool&);                                                                                         \
  template void spmm_max_backward(CsrView, const TransposedGraph&, bool, std::span<const std::int32_t>, std::span<const Real>, \
                                  std::int64_t, std::span<Real>, ThreadPool&);                                                 \
  template void gather_rows(std::span<const Real>, std::int64_t, std::span<const NodeId>, std::span<Real>, ThreadPool&);
TENFOLD_INSTANTIATE(float)
TENFOLD_INSTANTIATE(double)
#undef TENFOLD_INSTANTIATE

}  // namespace tenfold::gnnbench
