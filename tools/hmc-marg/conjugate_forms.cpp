// One pass in node order over the scalars that depend on the parameter.
#include "hmc-marg/conjugate_forms.h"

#include <algorithm>
#include <cmath>

namespace tenfold::hmc_marg {

namespace {

using Shape = FamilyForm::Shape;

void multiply(Monomial& m, Slot slot, int halves) {
  const auto at =
      std::lower_bound(m.slots.begin(), m.slots.end(), slot, [](const auto& entry, Slot s) { return entry.first < s; });
  if (at == m.slots.end() || at->first != slot) {
    m.slots.insert(at, {slot, halves});
  } else if ((at->second += halves) == 0) {
    m.slots.erase(at);
  }
}

// m^(numerator / denominator); false where a power would not be a multiple of one half.
bool raise(FamilyForm& form, int numerator, int denominator) {
  const auto power = [&](int& halves) {
    halves *= numerator;
    if (halves % denominator != 0) return false;
    halves /= denominator;
    return true;
  };
  if (!(form.coefficient.number > 0) || !power(form.halves)) return false;
  for (auto& [slot, halves] : form.coefficient.slots)
    if (!power(halves)) return false;
  const double exponent = static_cast<double>(numerator) / denominator;
  form.coefficient.number = exponent == 1    ? form.coefficient.number
                            : exponent == -1 ? 1 / form.coefficient.number
                                             : std::pow(form.coefficient.number, exponent);
  return true;
}

}  // namespace

FamilyForms::FamilyForms(const FactorGraph& model, const Dependencies& dependencies, int parameter)
    : model_(model), dependencies_(dependencies) {
  const Graph& graph = model.graph;
  forms_.resize(1);
  form_of_.assign(graph.slot_count(), 0);
  std::vector<bool> leaf(graph.slot_count(), false);
  const Value& value = model.parameters[static_cast<std::size_t>(parameter)].value;
  std::uint32_t classes = 0;
  for (Slot slot = 0; slot < graph.slot_count(); ++slot) classes = std::max(classes, dependencies.class_of(slot) + 1);
  for (std::uint32_t c = 0; c < classes; ++c) {
    const auto& parameters = dependencies[c].parameters;
    in_class_.push_back(std::binary_search(parameters.begin(), parameters.end(), parameter));
  }
  for (std::size_t i = 0; i < value.slot.size(); ++i) {
    leaf[value.slot[i]] = true;
    form_of_[value.slot[i]] = static_cast<std::uint32_t>(forms_.size());
    FamilyForm form;
    form.shape = Shape::power;
    form.scalar = static_cast<std::uint32_t>(i);
    forms_.push_back(form);
  }
  for (const Node& node : graph.nodes()) {
    if (!lane_wise(node.op)) continue;
    for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
      const Slot slot = node.first + lane;
      if (leaf[slot] || !touches(slot)) continue;
      FamilyForm form = combine(graph, node, lane);
      if (form.shape == Shape::other) continue;
      form_of_[slot] = static_cast<std::uint32_t>(forms_.size());
      forms_.push_back(std::move(form));
    }
  }
}

FamilyForm FamilyForms::combine(const Graph& graph, const Node& node, std::uint32_t lane) const {
  const FamilyForm other;
  const auto operands = graph.operands(node);
  const auto at = [&](std::size_t k) { return graph.slot_of(operands[k], operands[k].size == 1 ? 0 : lane); };
  const Slot a = at(0), b = node.arity > 1 ? at(1) : 0;
  const bool in_a = touches(a), in_b = b != 0 && touches(b);
  FamilyForm form = in_a ? (*this)[a] : (*this)[b];
  const auto raised = [&](int numerator, int denominator) {
    return form.shape == Shape::power && raise(form, numerator, denominator) ? form : other;
  };
  switch (node.op) {
    case Op::inv: return raised(-1, 1);
    case Op::sqrt: return raised(1, 2);
    case Op::inv_sqrt: return raised(-1, 2);
    case Op::square: return raised(2, 1);
    case Op::inv_square: return raised(-2, 1);
    case Op::pow: {
      if (in_b || !graph.is_constant(b)) return other;
      const double twice = 2 * graph.constant_value(b);
      return twice == std::round(twice) && std::fabs(twice) <= 8 ? raised(static_cast<int>(twice), 2) : other;
    }
    case Op::log:
      if (!form.bare()) return other;
      form.shape = Shape::log;
      return form;
    case Op::sub:
      if (in_a || !graph.is_constant(a) || graph.constant_value(a) != 1) return other;
      if (form.shape == Shape::complement) {
        form.shape = Shape::power;
      } else if (form.bare()) {
        form.shape = Shape::complement;
      } else {
        return other;
      }
      return form;
    case Op::mul:
    case Op::div: {
      if (form.shape != Shape::power) return other;
      const int sign = node.op == Op::div ? -1 : 1;
      if (in_a && in_b) {
        FamilyForm right = (*this)[b];
        if (right.shape != Shape::power || right.scalar != form.scalar || !raise(right, sign, 1)) return other;
        form.halves += right.halves;
        form.coefficient.number *= right.coefficient.number;
        for (const auto& [slot, halves] : right.coefficient.slots) multiply(form.coefficient, slot, halves);
        return form.halves == 0 ? other : form;
      }
      if (in_b && sign < 0 && !raise(form, -1, 1)) return other;
      const Slot free = in_a ? b : a;
      const int power = in_a ? sign : 1;
      if (graph.is_constant(free)) {
        const double number = graph.constant_value(free);
        form.coefficient.number = power > 0 ? form.coefficient.number * number : form.coefficient.number / number;
      } else {
        multiply(form.coefficient, free, 2 * power);
      }
      return form;
    }
    default: return other;
  }
}

bool FamilyForms::positive(const Monomial& coefficient) const {
  if (!(coefficient.number > 0) || !std::isfinite(coefficient.number)) return false;
  return std::all_of(coefficient.slots.begin(), coefficient.slots.end(),
                     [&](const auto& entry) { return provably_nonnegative(model_.graph, entry.first); });
}

}  // namespace tenfold::hmc_marg
