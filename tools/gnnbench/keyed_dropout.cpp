// Keyed dropout of rows, sparse entries and edges.
#include "gnnbench/keyed_dropout.h"

#include <cmath>
#include <vector>

#include "gnnbench/philox_kernels.h"
#include "gnnbench/row_pieces.h"

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class Real>
MaskArguments<Real> arguments_of(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const Real> x,
                                 std::int64_t width, std::span<Real> out) {
  return {.common = PhiloxCommon(key.key, key.purpose, key.update, key.layer),
          .threshold = key.threshold(),
          .scale = static_cast<Real>(1 / (1 - key.p)),
          .nodes = nodes.empty() ? nullptr : nodes.data(),
          .x = x.data(),
          .out = out.data(),
          .width = width};
}

NodeId global(std::span<const NodeId> ids, std::int64_t local) {
  return ids.empty() ? static_cast<NodeId>(local) : ids[at(local)];
}

// Bits of (node, draw) pairs, by the thousand.
class KeepBits {
 public:
  KeepBits(const DropoutKey& key, std::uint32_t layer)
      : common_(key.key, key.purpose, key.update, layer),
        threshold_(key.threshold()),
        kernels_(philox_kernels(best_instruction_set())) {}
  static constexpr std::int64_t kMost = 1024;

  void set(std::int64_t i, std::uint32_t node, std::uint32_t draw) {
    node_[at(i)] = node;
    draw_[at(i)] = draw;
  }
  void draw(std::int64_t count) {
    kernels_.keep_bits(common_, threshold_, node_.data(), draw_.data(), (count + 15) / 16 * 16, keep_.data());
  }
  bool keep(std::int64_t i, std::uint32_t word) const { return keep_[at(i)] >> word & 1; }

 private:
  PhiloxCommon common_;
  std::uint64_t threshold_;
  const PhiloxKernels& kernels_;
  std::vector<std::uint32_t> node_ = std::vector<std::uint32_t>(kMost), draw_ = std::vector<std::uint32_t>(kMost);
  std::vector<std::uint8_t> keep_ = std::vector<std::uint8_t>(kMost);
};

// visit(entry, row, bits, i) for the entries of rows [begin, end), whose pairs are pair_of(entry, row).
template <class PairOf, class Visit>
void over_entries(CsrView rows, std::int64_t begin, std::int64_t end, KeepBits& bits, const PairOf& pair_of, const Visit& visit) {
  std::int64_t row = begin;
  for (EdgeIndex first = rows.indptr[at(begin)]; first < rows.indptr[at(end)]; first += KeepBits::kMost) {
    const std::int64_t count = std::min<EdgeIndex>(KeepBits::kMost, rows.indptr[at(end)] - first);
    for (std::int64_t i = 0; i < count; ++i) {
      while (first + i >= rows.indptr[at(row) + 1]) ++row;
      const auto [node, draw] = pair_of(first + i, row);
      bits.set(i, node, draw);
    }
    bits.draw(count);
    for (std::int64_t i = 0; i < count; ++i) visit(first + i, i);
  }
}

}  // namespace

std::uint64_t DropoutKey::threshold() const { return static_cast<std::uint64_t>(std::llround(p * 0x1p32)); }
float DropoutKey::scale() const { return static_cast<float>(1 / (1 - p)); }

const PhiloxKernels& philox_kernels(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512: return kPhiloxAvx512;
    case InstructionSet::avx2: return kPhiloxAvx2;
    case InstructionSet::base: break;
  }
  return kPhiloxPlain;
}

void dropout_rows(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const float> x, std::int64_t width,
                  std::span<float> out, ThreadPool& pool, InstructionSet set) {
  if (width == 0) return;
  const auto a = arguments_of(key, nodes, x, width, out);
  const PhiloxKernels& kernels = philox_kernels(set);
  for_range(static_cast<std::int64_t>(x.size()) / width, width, pool,
            [&](std::int64_t begin, std::int64_t end) { kernels.mask_rows(a, begin, end); });
}

void dropout_rows(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const float> x, std::int64_t width,
                  std::span<float> out, ThreadPool& pool) {
  dropout_rows(key, nodes, x, width, out, pool, best_instruction_set());
}

void dropout_rows(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const double> x, std::int64_t width,
                  std::span<double> out, ThreadPool& pool) {
  if (width == 0) return;
  const auto a = arguments_of(key, nodes, x, width, out);
  for_range(static_cast<std::int64_t>(x.size()) / width, width, pool,
            [&](std::int64_t begin, std::int64_t end) { mask_rows_double(a, begin, end); });
}

void relu_dropout_rows(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const float> x, std::int64_t width,
                       std::span<float> out, ThreadPool& pool) {
  if (width == 0) return;
  const auto a = arguments_of(key, nodes, x, width, out);
  const PhiloxKernels& kernels = philox_kernels(best_instruction_set());
  for_range(static_cast<std::int64_t>(x.size()) / width, width, pool,
            [&](std::int64_t begin, std::int64_t end) { kernels.relu_mask_rows(a, begin, end); });
}

void relu_dropout_rows(const DropoutKey& key, std::span<const NodeId> nodes, std::span<const double> x, std::int64_t width,
                       std::span<double> out, ThreadPool& pool) {
  if (width == 0) return;
  const auto a = arguments_of(key, nodes, x, width, out);
  for_range(static_cast<std::int64_t>(x.size()) / width, width, pool,
            [&](std::int64_t begin, std::int64_t end) { relu_mask_rows_double(a, begin, end); });
}

template <class Real>
void relu_dropout_backward(const DropoutKey& key, std::span<const Real> out, std::span<const Real> dout, std::span<Real> dx,
                           ThreadPool& pool) {
  const Real scale = static_cast<Real>(1 / (1 - key.p));
  for_range(static_cast<std::int64_t>(out.size()), 1, pool, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Real passed = dout[at(i)] * scale;
      dx[at(i)] = out[at(i)] == 0 ? Real{0} : passed;
    }
  });
}

void dropout_entries(const DropoutKey& key, std::span<const NodeId> nodes, CsrView rows, std::span<const float> values,
                     std::span<float> out, ThreadPool& pool) {
  const float scale = key.scale();
  for_rows(rows, 8, pool, [&](std::int64_t begin, std::int64_t end) {
    KeepBits bits(key, key.layer);
    over_entries(
        rows, begin, end, bits,
        [&](EdgeIndex e, std::int64_t row) {
          return std::pair{static_cast<std::uint32_t>(global(nodes, row)), static_cast<std::uint32_t>(rows.indices[at(e)]) / 4};
        },
        [&](EdgeIndex e, std::int64_t i) {
          const auto word = static_cast<std::uint32_t>(rows.indices[at(e)]) % 4;
          out[at(e)] = bits.keep(i, word) ? values[at(e)] * scale : 0.f;
        });
  });
}

template <class Real>
void dropout_edges(const DropoutKey& key, CsrView graph, std::span<const NodeId> targets, std::span<const NodeId> sources,
                   int heads, std::span<const Real> alpha, std::span<Real> out, ThreadPool& pool) {
  const Real scale = static_cast<Real>(1 / (1 - key.p));
  for_rows(graph, 8 * heads, pool, [&](std::int64_t begin, std::int64_t end) {
    for (int head = 0; head < heads; head += 4) {
      KeepBits bits(key, key.layer + 256 * static_cast<std::uint32_t>(head / 4));
      over_entries(
          graph, begin, end, bits,
          [&](EdgeIndex e, std::int64_t row) {
            return std::pair{static_cast<std::uint32_t>(global(targets, row)),
                             static_cast<std::uint32_t>(global(sources, graph.indices[at(e)]))};
          },
          [&](EdgeIndex e, std::int64_t i) {
            for (int k = head; k < std::min(head + 4, heads); ++k) {
              const std::size_t place = at(e * heads + k);
              out[place] = bits.keep(i, static_cast<std::uint32_t>(k - head)) ? alpha[place] * scale : Real{0};
            }
          });
    }
  });
}

template <class Real>
void dropout_self_edges(const DropoutKey& key, std::span<const NodeId> targets, std::int64_t rows, int heads,
                        std::span<const Real> alpha, std::span<Real> out, ThreadPool& pool) {
  // The loop of v is the edge v -> v: one entry a row, whose source has the target's number.
  std::vector<EdgeIndex> indptr(at(rows) + 1);
  std::vector<NodeId> indices(at(rows));
  for (std::int64_t v = 0; v < rows; ++v) {
    indptr[at(v) + 1] = v + 1;
    indices[at(v)] = static_cast<NodeId>(v);
  }
  dropout_edges(key, {indptr, indices}, targets, targets, heads, alpha, out, pool);
}

#define TENFOLD_INSTANTIATE(Real)                                                                                        \
  template void dropout_edges(const DropoutKey&, CsrView, std::span<const NodeId>, std::span<const NodeId>, int,         \
                              std::span<const Real>, std::span<Real>, ThreadPool&);                                      \
  template void dropout_self_edges(const DropoutKey&, std::span<const NodeId>, std::int64_t, int, std::span<const Real>, \
                                   std::span<Real>, ThreadPool&);                                                        \
  template void relu_dropout_backward(const DropoutKey&, std::span<const Real>, std::span<const Real>, std::span<Real>,  \
                                      ThreadPool&);
TENFOLD_INSTANTIATE(float)
TENFOLD_INSTANTIATE(double)
#undef TENFOLD_INSTANTIATE

}  // namespace tenfold::gnnbench
