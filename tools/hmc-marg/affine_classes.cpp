// One pass over the graph in node order (operands precede), scalar by scalar, with memoised combinations of classes.
#include "hmc-marg/affine_classes.h"

#include <algorithm>
#include <iterator>

namespace tenfold::hmc_marg {

Dependencies::Dependencies(const FactorGraph& model, const std::vector<bool>& candidate) {
  const Graph& graph = model.graph;
  classes_.emplace_back();
  interned_[classes_[0]] = 0;
  class_of_.assign(graph.slot_count(), 0);
  std::vector<bool> leaf(graph.slot_count(), false);
  for (std::size_t p = 0; p < model.parameters.size(); ++p) {
    if (!candidate[p]) continue;
    DependencyClass own;
    own.parameters = {static_cast<int>(p)};
    const std::uint32_t id = intern(std::move(own));
    for (const Slot slot : model.parameters[p].value.slot) {
      class_of_[slot] = id;
      leaf[slot] = true;
    }
  }
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::constant || node.op == Op::parameter || node.lanes == 0) continue;
    bool any_leaf = false;
    for (std::uint32_t i = 0; i < node.lanes; ++i) any_leaf = any_leaf || leaf[node.first + i];
    if (!any_leaf) {
      visit(graph, node);
      continue;
    }
    const std::vector<std::uint32_t> kept(class_of_.begin() + node.first, class_of_.begin() + node.first + node.lanes);
    visit(graph, node);
    for (std::uint32_t i = 0; i < node.lanes; ++i)
      if (leaf[node.first + i]) class_of_[node.first + i] = kept[i];
  }
}

std::uint32_t Dependencies::intern(DependencyClass&& c) {
  const auto found = interned_.find(c);
  if (found != interned_.end()) return found->second;
  const auto id = static_cast<std::uint32_t>(classes_.size());
  classes_.push_back(c);
  interned_.emplace(std::move(c), id);
  return id;
}

namespace {

// Keeps the first line of each key; `same` compares all but the line.
template <class T, class Same>
void keep_first(std::vector<T>& items, Same same) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end(), same), items.end());
}

}  // namespace

std::uint32_t Dependencies::combine(How how, std::uint32_t a, std::uint32_t b, int line) {
  const auto key = std::make_tuple(how, a, b, line);
  const auto found = combined_.find(key);
  if (found != combined_.end()) return found->second;
  const DependencyClass &x = classes_[a], &y = classes_[b];
  DependencyClass c;
  std::set_union(x.parameters.begin(), x.parameters.end(), y.parameters.begin(), y.parameters.end(),
                 std::back_inserter(c.parameters));
  c.nonlinear = x.nonlinear;
  c.nonlinear.insert(c.nonlinear.end(), y.nonlinear.begin(), y.nonlinear.end());
  c.bilinear = x.bilinear;
  c.bilinear.insert(c.bilinear.end(), y.bilinear.begin(), y.bilinear.end());
  if (how == How::spoil)
    for (const int p : x.parameters) c.nonlinear.emplace_back(p, line);
  if (how == How::multiply)
    for (const int u : x.parameters)
      for (const int v : y.parameters) {
        if (u == v)
          c.nonlinear.emplace_back(u, line);
        else
          c.bilinear.push_back({std::min(u, v), std::max(u, v), line});
      }
  keep_first(c.nonlinear, [](const auto& l, const auto& r) { return l.first == r.first; });
  keep_first(c.bilinear, [](const Bilinear& l, const Bilinear& r) { return l.u == r.u && l.v == r.v; });
  const std::uint32_t id = intern(std::move(c));
  combined_.emplace(key, id);
  return id;
}

void Dependencies::visit(const Graph& graph, const Node& node) {
  const auto operands = graph.operands(node);
  const auto at = [&](std::size_t k, std::size_t i) {
    return class_of_[graph.slot_of(operands[k], operands[k].size == 1 ? 0 : i)];
  };
  std::uint32_t* out = class_of_.data() + node.first;
  const std::uint32_t lanes = node.lanes;
  switch (node.op) {
    case Op::neg:
      for (std::uint32_t i = 0; i < lanes; ++i) out[i] = at(0, i);
      return;
    case Op::add:
    case Op::sub:
      for (std::uint32_t i = 0; i < lanes; ++i) out[i] = unite(at(0, i), at(1, i));
      return;
    case Op::mul:
      for (std::uint32_t i = 0; i < lanes; ++i) out[i] = multiply(at(0, i), at(1, i), node.line);
      return;
    case Op::div:
      for (std::uint32_t i = 0; i < lanes; ++i) out[i] = multiply(at(0, i), spoil(at(1, i), node.line), node.line);
      return;
    case Op::sum:
    case Op::dot: {
      const auto offsets = graph.segments(node);
      for (std::uint32_t i = 0; i < lanes; ++i) {
        std::uint32_t c = 0;
        for (std::uint32_t k = offsets[i]; k < offsets[i + 1]; ++k)
          c = unite(c, node.op == Op::sum ? at(0, k) : multiply(at(0, k), at(1, k), node.line));
        out[i] = c;
      }
      return;
    }
    case Op::cumulative_sum: {
      std::uint32_t c = 0;
      for (std::uint32_t i = 0; i < lanes; ++i) out[i] = c = unite(c, at(0, i));
      return;
    }
    case Op::solve_lower:
    case Op::solve_lower_transposed: {
      const std::uint32_t n = node.rows, columns = n ? lanes / n : 0;
      std::uint32_t factor = 0;
      for (std::uint32_t i = 0; i < operands[0].size; ++i) factor = unite(factor, at(0, i));
      factor = spoil(factor, node.line);
      const bool forward = node.op == Op::solve_lower;
      for (std::uint32_t j = 0; j < columns; ++j) {
        std::uint32_t c = factor;
        for (std::uint32_t k = 0; k < n; ++k) {
          const std::uint32_t i = forward ? k : n - 1 - k;
          c = unite(c, multiply(at(1, j * n + i), factor, node.line));
          out[j * n + i] = c;
        }
      }
      return;
    }
    default: {
      const bool by_lane = lane_wise(node.op) || node.op == Op::density;
      if (by_lane) {
        for (std::uint32_t i = 0; i < lanes; ++i) {
          std::uint32_t c = 0;
          for (std::size_t k = 0; k < operands.size(); ++k) c = unite(c, at(k, i));
          out[i] = spoil(c, node.line);
        }
        return;
      }
      if (segmented(node.op)) {
        const auto offsets = graph.segments(node);
        for (std::uint32_t i = 0; i < lanes; ++i) {
          std::uint32_t c = 0;
          for (std::size_t o = 0; o < operands.size(); ++o)
            for (std::uint32_t k = offsets[i]; k < offsets[i + 1]; ++k) c = unite(c, at(o, k));
          out[i] = spoil(c, node.line);
        }
        return;
      }
      std::uint32_t c = 0;  // whole lists: every output depends on every input
      for (std::size_t k = 0; k < operands.size(); ++k)
        for (std::uint32_t i = 0; i < operands[k].size; ++i) c = unite(c, at(k, i));
      c = spoil(c, node.line);
      std::fill(out, out + lanes, c);
    }
  }
}

bool provably_nonnegative(const Graph& graph, Slot slot, int depth) {
  if (graph.is_constant(slot)) return graph.constant_value(slot) >= 0;
  if (depth > 16) return false;
  const Node& node = graph.nodes()[graph.node_of(slot)];
  const std::uint32_t lane = slot - node.first;
  const auto operands = graph.operands(node);
  const auto operand = [&](std::size_t k, std::size_t i) { return graph.slot_of(operands[k], operands[k].size == 1 ? 0 : i); };
  const auto positive = [&](std::size_t k, std::size_t i) { return provably_nonnegative(graph, operand(k, i), depth + 1); };
  switch (node.op) {
    case Op::exp:
    case Op::exp2:
    case Op::square:
    case Op::sqrt:
    case Op::abs:
    case Op::inv_logit:
    case Op::inv_square:
    case Op::inv_sqrt:
    case Op::log1p_exp:
    case Op::phi:
    case Op::phi_approx:
    case Op::inv_cloglog:
    case Op::hypot:
    case Op::cosh:
    case Op::erfc:
    case Op::softmax:
    case Op::fdim: return true;
    case Op::inv: return positive(0, lane);
    case Op::add:
    case Op::div:
    case Op::fmin: return positive(0, lane) && positive(1, lane);
    case Op::mul: return operand(0, lane) == operand(1, lane) || (positive(0, lane) && positive(1, lane));
    case Op::fmax: return positive(0, lane) || positive(1, lane);
    case Op::pow: return positive(0, lane);
    case Op::sum:
    case Op::dot:
    case Op::product:
    case Op::minimum:
    case Op::maximum: {
      const auto offsets = graph.segments(node);
      for (std::uint32_t k = offsets[lane]; k < offsets[lane + 1]; ++k)
        for (std::size_t o = 0; o < operands.size(); ++o)
          if (!positive(o, k)) return false;
      return true;
    }
    default: return false;
  }
}

}  // namespace tenfold::hmc_marg
