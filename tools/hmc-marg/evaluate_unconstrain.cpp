// Constrained values from JSON to the unconstrained vector.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "hmc-marg/data_binding.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/transforms.h"

namespace tenfold::hmc_marg {
namespace {

class Unconstrainer {
 public:
  Unconstrainer(const FactorGraph& model, std::span<double> free) : model_(model), free_(free) {
    for (const Parameter& p : model.parameters) {
      for (std::uint32_t i = 0; i < p.free_size; ++i) inputs_.push_back(p.free_first + i);
    }
  }

  void parameter(const Parameter& p, const Value& x, const std::string& where) {
    const std::span<double> q = free_.subspan(static_cast<std::size_t>(p.free_index), p.free_size);
    switch (p.constraint) {
      case ConstraintKind::none: std::copy(x.number.begin(), x.number.end(), q.begin()); break;
      case ConstraintKind::bounded: {
        const std::vector<double> lower = numbers(p.lower), upper = numbers(p.upper);
        for (std::size_t i = 0; i < x.size(); ++i) {
          const double low = at(lower, i, -INFINITY), high = at(upper, i, INFINITY);
          if (const auto fault = bound_fault(x.number[i], low, high)) input_error(where + ": " + element_text(x, i) + *fault);
          q[i] = free_bounded(x.number[i], low, high);
        }
        break;
      }
      case ConstraintKind::affine: {
        const std::vector<double> offset = numbers(p.offset), multiplier = numbers(p.multiplier);
        for (std::size_t i = 0; i < x.size(); ++i) q[i] = (x.number[i] - at(offset, i, 0)) / at(multiplier, i, 1);
        break;
      }
      default: elements(p, x, q, where);
    }
    for (std::size_t i = 0; i < q.size(); ++i) {
      if (!std::isfinite(q[i])) input_error(where + ": the value lies on the boundary of its constraint; move it inside");
    }
  }

 private:
  void elements(const Parameter& p, const Value& x, std::span<double> q, const std::string& where) const {
    const std::span<const int> inner = std::span(p.dims).subspan(static_cast<std::size_t>(p.type.array_rank));
    const ElementSize size = element_size(p.constraint, inner);
    for (std::size_t e = 0; size.constrained && e * size.constrained < x.size(); ++e) {
      const std::span<const double> element = std::span(x.number).subspan(e * size.constrained, size.constrained);
      if (const auto fault = constraint_fault(p.constraint, element, inner)) input_error(where + ": " + *fault);
      free_element(p.constraint, element, inner, q.subspan(e * size.free, size.free));
    }
  }

  static double at(const std::vector<double>& values, std::size_t i, double absent) {
    return values.empty() ? absent : values[values.size() == 1 ? 0 : i];
  }

  // A bound's numbers; one that depends on parameters follows from those already set.
  std::vector<double> numbers(const Value& value) const {
    std::vector<double> result = value.number;
    for (std::size_t i = 0; i < value.slot.size(); ++i) {
      if (!value.slot[i]) continue;
      TargetSpec spec;
      spec.inputs = inputs_;
      spec.terms = {{value.slot[i], 1, 0}};
      result[i] = reference_log_density(model_.graph, spec, free_, {});
    }
    return result;
  }

  const FactorGraph& model_;
  std::span<double> free_;
  std::vector<Slot> inputs_;
};

// An epsilon follows from its location and scale, whose parameters come first.
std::vector<const Parameter*> in_order(const FactorGraph& model) {
  std::vector<const Parameter*> order;
  for (const Parameter& p : model.parameters)
    if (!p.noncentred) order.push_back(&p);
  for (const int p : model.noncentred) order.push_back(&model.parameters[static_cast<std::size_t>(p)]);
  return order;
}

}  // namespace

void unconstrain(const FactorGraph& model, const data::JsonValue& json, const std::string& file,
                 std::span<const std::string> optional, std::span<double> free) {
  if (!json.is_object()) input_error(at_position(file, json.line, json.col, "parameter values are a JSON object by name"));
  Unconstrainer unconstrainer(model, free);
  for (const Parameter* const each : in_order(model)) {
    const Parameter& p = *each;
    const data::JsonValue* found = json.find(p.name);
    const std::string where = "parameter `" + p.name + "`";
    if (!found) {
      if (p.value.size() == 0 || std::find(optional.begin(), optional.end(), p.name) != optional.end()) continue;
      input_error(where + (p.dims.empty() ? "" : " of size " + shape_text(p.dims)) + " is missing in " + file + "; add it there");
    }
    const Value x = value_from_json(*found, file, p.type, p.dims, where);
    unconstrainer.parameter(p, x, where + " in " + at_position(file, found->line, found->col, "its value"));
  }
}

void unconstrain(const FactorGraph& model, std::span<const Value> values, std::span<double> free) {
  Unconstrainer unconstrainer(model, free);
  for (const Parameter* const p : in_order(model))
    unconstrainer.parameter(*p, values[static_cast<std::size_t>(p - model.parameters.data())], "parameter `" + p->name + "`");
}

}  // namespace tenfold::hmc_marg
