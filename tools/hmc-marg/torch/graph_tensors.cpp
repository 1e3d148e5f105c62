// The graph on tensors: one node after the other, operands gathered by index_select.
#include "hmc-marg/torch/graph_tensors.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace tenfold::hmc_marg::oracle {

using torch::Tensor;
using torch::indexing::Slice;

namespace {

Tensor indices(const std::vector<std::int64_t>& values) { return torch::tensor(values, torch::kInt64); }

// Column-major [batch, n * m] -> [batch, n, m].
Tensor matrix(const Tensor& flat, std::int64_t n) { return flat.reshape({flat.size(0), -1, n}).transpose(1, 2); }
Tensor flat(const Tensor& matrix) { return matrix.transpose(1, 2).reshape({matrix.size(0), -1}); }

// Each segment of the last dimension reduced by `reduce`.
template <class Reduce>
Tensor by_segment(const Tensor& x, std::span<const std::uint32_t> offsets, const Reduce& reduce) {
  std::vector<Tensor> parts;
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i)
    parts.push_back(reduce(x.index({Slice(), Slice(offsets[i], offsets[i + 1])})));
  return torch::stack(parts, 1);
}

Tensor segment_sums(const Tensor& x, std::span<const std::uint32_t> offsets) {
  std::vector<std::int64_t> owner;
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i)
    owner.insert(owner.end(), offsets[i + 1] - offsets[i], static_cast<std::int64_t>(i));
  return torch::zeros({x.size(0), static_cast<std::int64_t>(offsets.size()) - 1}, x.options()).index_add(1, indices(owner), x);
}

}  // namespace

const Tensor& GraphTensors::node(std::uint32_t index) {
  prepare(index);
  return values_[index];
}

// Computes what is missing without recursion: graphs are deep.
void GraphTensors::prepare(std::uint32_t index) {
  std::vector<std::uint32_t> open = {index};
  while (!open.empty()) {
    const std::uint32_t at = open.back();
    if (values_[at].defined()) {
      open.pop_back();
      continue;
    }
    const Node& node = graph_.nodes()[at];
    const std::size_t before = open.size();
    for (const Operand& operand : graph_.operands(node))
      for (std::uint32_t i = 0; i < operand.size; ++i) {
        const std::uint32_t needed = graph_.node_of(graph_.slot_of(operand, i));
        if (!values_[needed].defined() && (open.size() == before || open.back() != needed)) open.push_back(needed);
      }
    if (open.size() > before) continue;
    values_[at] = compute(node);
    open.pop_back();
  }
}

Tensor GraphTensors::operand(const Operand& operand) {
  std::vector<Slot> list(operand.size);
  for (std::uint32_t i = 0; i < operand.size; ++i) list[i] = graph_.slot_of(operand, i);
  return slots(list);
}

Tensor GraphTensors::slots(const std::vector<Slot>& list) {
  // The nodes involved, side by side, then one gather.
  std::map<std::uint32_t, std::int64_t> offset;
  std::vector<Tensor> parts;
  std::int64_t width = 0, batch = 1;
  std::vector<std::int64_t> index(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::uint32_t owner = graph_.node_of(list[i]);
    const auto [place, is_new] = offset.try_emplace(owner, width);
    if (is_new) {
      parts.push_back(node(owner));
      width += parts.back().size(1);
      batch = std::max(batch, parts.back().size(0));
    }
    index[i] = place->second + static_cast<std::int64_t>(list[i] - graph_.nodes()[owner].first);
  }
  for (Tensor& part : parts) part = part.expand({batch, part.size(1)});
  return (parts.size() == 1 ? parts.front() : torch::cat(parts, 1)).index_select(1, indices(index));
}

Tensor GraphTensors::compute(const Node& node) {
  if (node.op == Op::constant) {
    std::vector<double> values(node.lanes);
    for (std::uint32_t i = 0; i < node.lanes; ++i) values[i] = graph_.constant_value(node.first + i);
    return torch::tensor(values, torch::kFloat64).unsqueeze(0);
  }
  if (node.op == Op::parameter) input_error("the oracle met a parameter without a value");
  std::vector<Tensor> x;
  for (const Operand& o : graph_.operands(node)) x.push_back(operand(o));
  const auto lanes = static_cast<std::int64_t>(node.lanes);
  if (segmented(node.op)) {
    const std::span<const std::uint32_t> offsets = graph_.segments(node);
    for (Tensor& t : x) t = t.expand({t.size(0), static_cast<std::int64_t>(offsets.back())});
    switch (node.op) {
      case Op::sum: return segment_sums(x[0], offsets);
      case Op::dot: return segment_sums(x[0] * x[1], offsets);
      case Op::log_sum_exp: return by_segment(x[0], offsets, [](const Tensor& t) { return torch::logsumexp(t, 1); });
      case Op::minimum: return by_segment(x[0], offsets, [](const Tensor& t) { return torch::amin(t, 1); });
      case Op::maximum: return by_segment(x[0], offsets, [](const Tensor& t) { return torch::amax(t, 1); });
      default: return by_segment(x[0], offsets, [](const Tensor& t) { return torch::prod(t, 1); });
    }
  }
  const auto n = static_cast<std::int64_t>(node.rows);
  switch (node.op) {
    case Op::softmax: return torch::softmax(x[0], 1);
    case Op::cumulative_sum: return torch::cumsum(x[0], 1);
    case Op::cholesky: {
      const Tensor lower = torch::tril(matrix(x[0], n));
      return flat(torch::linalg_cholesky(lower + torch::tril(lower, -1).transpose(1, 2)));
    }
    case Op::solve_lower:
      return flat(torch::linalg_solve_triangular(torch::tril(matrix(x[0], n)), matrix(x[1], n), /*upper=*/false));
    case Op::solve_lower_transposed:
      return flat(torch::linalg_solve_triangular(torch::tril(matrix(x[0], n)).transpose(1, 2), matrix(x[1], n), /*upper=*/true));
    case Op::density: return log_density(node.density, x).expand({-1, lanes});
    default: return lane_wise(node.op, x[0], x.size() > 1 ? x[1] : x[0]).expand({-1, lanes});
  }
}

}  // namespace tenfold::hmc_marg::oracle
