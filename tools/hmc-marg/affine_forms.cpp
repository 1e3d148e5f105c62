// Forms are built in node order, each from its operands' stored forms, for the scalars that the roots need and no others.
#include "hmc-marg/affine_forms.h"

#include <algorithm>

#include "base/error.h"

namespace tenfold::hmc_marg {

NumberOrSlot CoefficientGraph::known_or_slot(Slot slot) const {
  if (slot != 0 && graph_.is_constant(slot)) return {graph_.constant_value(slot), 0};
  return {1.0, slot};
}

Slot CoefficientGraph::binary(Op op, Slot a, Slot b) {
  const double zero = 0;
  const Scalars operands[2] = {{{&zero, 1}, {&a, 1}}, {{&zero, 1}, {&b, 1}}};
  return graph_.lane_wise(op, operands, 1);
}

Slot CoefficientGraph::unary(Op op, Slot a) {
  const double zero = 0;
  const Scalars operands[1] = {{{&zero, 1}, {&a, 1}}};
  return graph_.lane_wise(op, operands, 1);
}

Slot CoefficientGraph::log_of(Slot a) {
  const Node& node = graph_.nodes()[graph_.node_of(a)];
  if (node.op == Op::exp) {
    const Operand& operand = graph_.operands(node)[0];
    return graph_.slot_of(operand, operand.size == 1 ? 0 : a - node.first);
  }
  return unary(Op::log, a);
}

void normalise(std::vector<AffineTerm>& terms) {
  std::sort(terms.begin(), terms.end(),
            [](const AffineTerm& l, const AffineTerm& r) { return l.z != r.z ? l.z < r.z : l.ref < r.ref; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < terms.size();) {
    AffineTerm merged = terms[i];
    for (++i; i < terms.size() && terms[i].z == merged.z && terms[i].ref == merged.ref; ++i) merged.number += terms[i].number;
    if (merged.number != 0) terms[kept++] = merged;
  }
  terms.resize(kept);
}

AffineForms::AffineForms(Graph& graph, std::span<const Slot> leaves, std::span<const Slot> roots) : coefficients_(graph) {
  const std::uint32_t slots = graph.slot_count();
  state_.assign(slots, kFree);
  leaf_of_.assign(slots, -1);
  first_.assign(slots, 0);
  count_.assign(slots, 0);
  mark(leaves, roots);
  std::vector<AffineTerm> terms;
  const std::size_t nodes = graph.nodes().size();  // later nodes are our own coefficients
  for (std::size_t k = 0; k < nodes; ++k) {
    const Node node = graph.nodes()[k];  // a copy: the graph grows meanwhile
    bool needed = false;
    for (std::uint32_t i = 0; i < node.lanes && !needed; ++i)
      needed = state_[node.first + i] == kNeeded && leaf_of_[node.first + i] < 0;
    if (!needed) continue;
    graph.set_line(node.line);
    if (node.op == Op::solve_lower || node.op == Op::solve_lower_transposed) {
      solve(node);
      continue;
    }
    if (node.op == Op::cumulative_sum) terms.clear();
    for (std::uint32_t i = 0; i < node.lanes; ++i) {
      const Slot slot = node.first + i;
      if (node.op == Op::cumulative_sum) {  // the running sum is kept from lane to lane
        form(node, i, terms);
        if (state_[slot] == kNeeded && leaf_of_[slot] < 0) store(slot, terms);
        continue;
      }
      if (state_[slot] != kNeeded || leaf_of_[slot] >= 0) continue;
      terms.clear();
      form(node, i, terms);
      store(slot, terms);
    }
  }
}

void AffineForms::mark(std::span<const Slot> leaves, std::span<const Slot> roots) {
  const Graph& graph = coefficients_.graph();
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    leaf_of_[leaves[i]] = static_cast<std::int32_t>(i);
    state_[leaves[i]] = kDependent;
  }
  // Operands of one lane, as [from, to) positions in each operand list.
  const auto for_operands = [&](const Node& node, std::uint32_t lane, auto&& visit) {
    const auto operands = graph.operands(node);
    std::uint32_t from = lane, to = lane + 1;
    if (segmented(node.op)) {
      from = graph.segments(node)[lane];
      to = graph.segments(node)[lane + 1];
    }
    const bool whole = !segmented(node.op) && !lane_wise(node.op) && node.op != Op::density;
    for (const Operand& operand : operands) {
      if (operand.size == 1 && !whole) {
        if (from < to) visit(graph.slot_of(operand, 0));
      } else if (whole) {
        for (std::uint32_t i = 0; i < operand.size; ++i) visit(graph.slot_of(operand, i));
      } else {
        for (std::uint32_t i = from; i < to; ++i) visit(graph.slot_of(operand, i));
      }
    }
  };
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::constant || node.op == Op::parameter) continue;
    for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
      if (state_[node.first + lane] != kFree) continue;
      bool dependent = false;
      for_operands(node, lane, [&](Slot s) { dependent = dependent || state_[s] != kFree; });
      if (dependent) state_[node.first + lane] = kDependent;
      if (lane_wise(node.op) || segmented(node.op) || node.op == Op::density) continue;
      if (dependent)  // a whole-list operation depends as one
        for (std::uint32_t i = 0; i < node.lanes; ++i) state_[node.first + i] = kDependent;
      break;
    }
  }
  for (const Slot root : roots)
    if (root != 0 && state_[root] == kDependent) state_[root] = kNeeded;
  const auto& nodes = graph.nodes();
  for (std::size_t k = nodes.size(); k-- > 0;) {
    const Node& node = nodes[k];
    if (node.op == Op::constant || node.op == Op::parameter) continue;
    for (std::uint32_t lane = node.lanes; lane-- > 0;) {
      if (state_[node.first + lane] != kNeeded || leaf_of_[node.first + lane] >= 0) continue;
      for_operands(node, lane, [&](Slot s) {
        if (state_[s] == kDependent) state_[s] = kNeeded;
      });
      if (!lane_wise(node.op) && !segmented(node.op)) break;  // whole lists: done once
    }
  }
}

void AffineForms::add(Slot slot, double factor, std::vector<AffineTerm>& out) const {
  if (!depends(slot)) {
    const NumberOrSlot known = coefficients_.known_or_slot(slot);
    out.push_back({kIntercept, known.slot, factor * known.number});
    return;
  }
  if (leaf_of_[slot] >= 0) {
    out.push_back({leaf_of_[slot], 0, factor});
    return;
  }
  for (std::uint32_t i = 0; i < count_[slot]; ++i) {
    AffineTerm term = pool_[first_[slot] + i];
    term.number *= factor;
    out.push_back(term);
  }
}

void AffineForms::scale(std::vector<AffineTerm>& terms, std::size_t from, const NumberOrSlot& by, bool divide) {
  for (std::size_t i = from; i < terms.size(); ++i) {
    AffineTerm& term = terms[i];
    if (by.slot == 0) {
      term.number = divide ? term.number / by.number : term.number * by.number;
    } else if (!divide) {
      term.ref = coefficients_.product(term.ref, by.slot);
    } else {
      term.ref = term.ref == 0 ? coefficients_.unary(Op::inv, by.slot) : coefficients_.binary(Op::div, term.ref, by.slot);
    }
  }
}

void AffineForms::store(Slot slot, std::vector<AffineTerm>& terms) {
  normalise(terms);
  first_[slot] = static_cast<std::uint32_t>(pool_.size());
  count_[slot] = static_cast<std::uint32_t>(terms.size());
  pool_.insert(pool_.end(), terms.begin(), terms.end());
}

void AffineForms::form(const Node& node, std::uint32_t lane, std::vector<AffineTerm>& out) {
  const auto operand = [&](std::size_t k, std::size_t i) {
    const Graph& graph = coefficients_.graph();
    const Operand& list = graph.operands(node)[k];
    return graph.slot_of(list, list.size == 1 ? 0 : i);
  };
  const auto product = [&](Slot a, Slot b) {
    if (depends(b)) std::swap(a, b);
    const std::size_t from = out.size();
    add(a, 1, out);
    scale(out, from, coefficients_.known_or_slot(b), false);
  };
  switch (node.op) {
    case Op::neg: add(operand(0, lane), -1, out); return;
    case Op::add:
      add(operand(0, lane), 1, out);
      add(operand(1, lane), 1, out);
      return;
    case Op::sub:
      add(operand(0, lane), 1, out);
      add(operand(1, lane), -1, out);
      return;
    case Op::mul: product(operand(0, lane), operand(1, lane)); return;
    case Op::div:
      add(operand(0, lane), 1, out);
      scale(out, 0, coefficients_.known_or_slot(operand(1, lane)), true);
      return;
    case Op::cumulative_sum: add(operand(0, lane), 1, out); return;
    case Op::sum:
    case Op::dot: {
      const std::uint32_t from = coefficients_.graph().segments(node)[lane], to = coefficients_.graph().segments(node)[lane + 1];
      for (std::uint32_t k = from; k < to; ++k) {
        if (node.op == Op::sum)
          add(operand(0, k), 1, out);
        else
          product(operand(0, k), operand(1, k));
      }
      return;
    }
    default:
      machine_error("the affine analysis met a scalar that is not affine, at line " + std::to_string(node.line) +
                    "; this is a fault of the program, please report it");
  }
}

// X = L^-1 B (or L^-T B) where B's entries are affine: the coefficients of z_j form a column A_j, and X's are L^-1 A_j.
void AffineForms::solve(const Node& node) {
  Graph& graph = coefficients_.graph();
  const std::uint32_t n = node.rows, columns = node.lanes / n;
  std::vector<double> factor_number(std::size_t{n} * n);
  std::vector<Slot> factor_slot(std::size_t{n} * n), right(std::size_t{n} * columns);
  bool known_factor = true;
  for (std::uint32_t i = 0; i < n * n; ++i) {
    const Operand list = graph.operands(node)[0];
    const NumberOrSlot entry = coefficients_.known_or_slot(graph.slot_of(list, list.size == 1 ? 0 : i));
    factor_number[i] = entry.slot ? 0 : entry.number;
    factor_slot[i] = entry.slot;
    known_factor = known_factor && entry.slot == 0;
  }
  for (std::uint32_t i = 0; i < n * columns; ++i) {
    const Operand list = graph.operands(node)[1];
    right[i] = graph.slot_of(list, list.size == 1 ? 0 : i);
  }
  const bool forward = node.op == Op::solve_lower;
  std::vector<std::vector<AffineTerm>> entries(n), out(n);
  for (std::uint32_t j = 0; j < columns; ++j) {
    std::vector<std::int32_t> scalars;
    for (std::uint32_t i = 0; i < n; ++i) {
      entries[i].clear();
      out[i].clear();
      add(right[j * n + i], 1, entries[i]);
      normalise(entries[i]);
      for (const AffineTerm& term : entries[i]) scalars.push_back(term.z);
    }
    std::sort(scalars.begin(), scalars.end());
    scalars.erase(std::unique(scalars.begin(), scalars.end()), scalars.end());
    for (const std::int32_t z : scalars) {
      std::vector<double> number(n, 0.0);
      std::vector<Slot> slot(n, 0);
      bool known = known_factor;
      std::uint32_t begin = n, end = 0;  // rows where A_j is not zero: X is zero before (after) them
      for (std::uint32_t i = 0; i < n; ++i) {
        Slot sum = 0;
        double constant = 0;
        for (const AffineTerm& term : entries[i]) {
          if (term.z != z) continue;
          begin = std::min(begin, i);
          end = std::max(end, i + 1);
          if (term.ref == 0) {
            constant += term.number;
            continue;
          }
          const Slot part = term.number == 1 ? term.ref : coefficients_.binary(Op::mul, graph.constant(term.number), term.ref);
          sum = sum == 0 ? part : coefficients_.binary(Op::add, sum, part);
        }
        if (sum != 0 && constant != 0) sum = coefficients_.binary(Op::add, sum, graph.constant(constant));
        number[i] = sum ? 0 : constant;
        slot[i] = sum;
        known = known && sum == 0;
      }
      if (known) {
        for (std::uint32_t s = 0; s < n; ++s) {
          const std::uint32_t i = forward ? s : n - 1 - s;
          double value = number[i];
          for (std::uint32_t t = 0; t < s; ++t) {
            const std::uint32_t k = forward ? t : n - 1 - t;
            value -= (forward ? factor_number[k * n + i] : factor_number[i * n + k]) * number[k];
          }
          number[i] = value / factor_number[i * n + i];
          if (number[i] != 0) out[i].push_back({z, 0, number[i]});
        }
        continue;
      }
      const Scalars operands[2] = {{factor_number, factor_slot}, {number, slot}};
      const Slot first = graph.whole(node.op, operands, n, n);
      for (std::uint32_t i = 0; i < n; ++i)
        if (forward ? i >= begin : i < end) out[i].push_back({z, first + i, 1});
    }
    for (std::uint32_t i = 0; i < n; ++i) store(node.first + j * n + i, out[i]);
  }
}

GivenSlots::GivenSlots(std::vector<Slot> slots) : slots_(std::move(slots)) { std::sort(slots_.begin(), slots_.end()); }

bool GivenSlots::contains(Slot slot) const { return std::binary_search(slots_.begin(), slots_.end(), slot); }

bool decompose(const Graph& graph, const GivenSlots& given, Slot slot, double number, std::size_t limit,
               std::vector<AffineTerm>& out) {
  const std::size_t start = out.size();
  std::vector<std::pair<Slot, double>> stack = {{slot, number}};
  std::size_t steps = 0;
  while (!stack.empty()) {
    const auto [s, c] = stack.back();
    stack.pop_back();
    if (graph.is_constant(s)) {
      out.push_back({kIntercept, 0, c * graph.constant_value(s)});
      continue;
    }
    const Node& node = graph.nodes()[graph.node_of(s)];
    const std::uint32_t lane = s - node.first;
    const auto operands = graph.operands(node);
    const auto operand = [&](std::size_t k, std::size_t i) { return graph.slot_of(operands[k], operands[k].size == 1 ? 0 : i); };
    bool atom = given.contains(s);
    if (!atom) switch (node.op) {
        case Op::neg: stack.emplace_back(operand(0, lane), -c); break;
        case Op::add:
          stack.emplace_back(operand(0, lane), c);
          stack.emplace_back(operand(1, lane), c);
          break;
        case Op::sub:
          stack.emplace_back(operand(0, lane), c);
          stack.emplace_back(operand(1, lane), -c);
          break;
        case Op::div:
          if (graph.is_constant(operand(1, lane)))
            stack.emplace_back(operand(0, lane), c / graph.constant_value(operand(1, lane)));
          else
            atom = true;
          break;
        case Op::mul:
        case Op::sum:
        case Op::dot: {
          std::uint32_t from = lane, to = lane + 1;
          if (node.op != Op::mul) {
            from = graph.segments(node)[lane];
            to = graph.segments(node)[lane + 1];
          }
          if (to - from > 4 * limit) return out.resize(start), false;
          if (node.op == Op::sum) {
            for (std::uint32_t k = from; k < to; ++k) stack.emplace_back(operand(0, k), c);
            break;
          }
          for (std::uint32_t k = from; k < to && !atom; ++k)
            atom = !graph.is_constant(operand(0, k)) && !graph.is_constant(operand(1, k));
          if (atom) break;
          for (std::uint32_t k = from; k < to; ++k) {
            const Slot a = operand(0, k), b = operand(1, k);
            if (graph.is_constant(a))
              stack.emplace_back(b, c * graph.constant_value(a));
            else
              stack.emplace_back(a, c * graph.constant_value(b));
          }
          break;
        }
        default: atom = true;
      }
    if (atom) out.push_back({kIntercept, s, c});
    if (++steps > 8 * limit) return out.resize(start), false;
  }
  std::vector<AffineTerm> tail(out.begin() + static_cast<std::ptrdiff_t>(start), out.end());
  normalise(tail);
  out.resize(start);
  out.insert(out.end(), tail.begin(), tail.end());
  return static_cast<std::size_t>(std::count_if(tail.begin(), tail.end(), [](const AffineTerm& t) { return t.ref != 0; })) <=
             limit ||
         (out.resize(start), false);
}

}  // namespace tenfold::hmc_marg
