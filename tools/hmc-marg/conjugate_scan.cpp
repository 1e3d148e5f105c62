// Declarations, factors in source order, the rest of the target: the first obstacle is the one reported.
#include "hmc-marg/conjugate_scan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <unordered_map>

#include "hmc-marg/conjugate_forms.h"

namespace tenfold::hmc_marg {

namespace {

using Shape = FamilyForm::Shape;

bool known_equal(const Value& bound, double value) {
  return bound.size() > 0 && bound.known() &&
         std::all_of(bound.number.begin(), bound.number.end(), [&](double x) { return x == value; });
}

class Scan {
 public:
  Scan(const FactorGraph& model, const Dependencies& families, const Dependencies& block, int parameter)
      : model_(model),
        graph_(model.graph),
        families_(families),
        block_(block),
        parameter_(model.parameters[static_cast<std::size_t>(parameter)]),
        forms_(model, families, parameter) {
    plate_->parameter = parameter;
    simplex_ = parameter_.constraint == ConstraintKind::simplex;
    unit_ = !simplex_ && parameter_.upper.size() > 0;
    plate_->family = simplex_ ? Family::dirichlet : unit_ ? Family::beta : Family::gamma;
    plate_->element_size = simplex_ ? static_cast<std::uint32_t>(parameter_.dims.back()) : 1;
    plate_->elements = static_cast<std::uint32_t>(parameter_.value.size()) / plate_->element_size;
    prior_of_.assign(plate_->elements, -1);
    for (const DirichletPrior& statement : model.dirichlets)
      for (const Slot slot : statement.variate.slot) evidence_ = evidence_ || (simplex_ && forms_.touches(slot));
  }

  FamilyFinding run() {
    for (const Factor& factor : model_.factors)
      if (!visit(factor)) return finish(false);
    if (!terms() || !bounds() || !uses()) return finish(false);
    if (simplex_) {
      dirichlet_priors();
      return finish(true);
    }
    return finish(unit_ || settle_sign());
  }

 private:
  bool refuse(const std::string& detail, int line, const std::string& reason = "family") {
    found_.reason = reason;
    found_.detail = detail;
    found_.line = line;
    return false;
  }

  FamilyFinding finish(bool good) {
    if (good) {
      found_.plate = plate_;
      for (const auto& [other, line] : meets_)
        found_.meetings.push_back({std::min(plate_->parameter, other), std::max(plate_->parameter, other), line});
      return std::move(found_);
    }
    // What nobody would take for a conjugate model is refused for its bounds.
    if (found_.reason == "family" && !evidence_) found_.reason = "bounds";
    if (found_.reason == "bounds") {
      const std::string at = parameter_.at.line > 0 ? " at line " + std::to_string(parameter_.at.line) : "";
      found_.detail =
          std::string(simplex_ ? "is declared as a simplex" : "is declared with bounds") + at + " and " + found_.detail;
    }
    return std::move(found_);
  }

  Slot operand(const Node& node, std::size_t k, std::uint32_t lane) const {
    const Operand& list = graph_.operands(node)[k];
    return graph_.slot_of(list, list.size == 1 ? 0 : lane);
  }

  bool visit(const Factor& factor) {
    const Node& node = graph_.nodes()[factor.node];
    const std::string family(info(node.density).name);
    for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
      int argument = -1, touched = 0;
      for (std::size_t k = 0; k < node.arity; ++k)
        if (forms_.touches(operand(node, k, lane))) {
          if (argument < 0) argument = static_cast<int>(k);
          ++touched;
        }
      if (touched == 0) continue;
      FamilyLane at;
      at.node = factor.node;
      at.lane = lane;
      at.line = factor.line;
      const FamilyForm& form = forms_[operand(node, static_cast<std::size_t>(argument), lane)];
      if (argument == 0) {
        if (in_matrix(node, lane)) return refuse("is in the covariance of multi_normal", factor.line, "scale_of");
        if (!is_prior(node, lane))
          return refuse("has the prior " + family + ", which is not conjugate to its bounds,", factor.line);
        evidence_ = true;
        if (touched > 1) return refuse("enters its own prior " + family + " twice", factor.line);
        if (!form.bare()) return refuse("is not itself the variate of " + family, factor.line);
        if (prior_of_[form.scalar] >= 0) return refuse("has a second prior factor, " + family, factor.line);
        at.scalar = form.scalar;
        prior_of_[form.scalar] = static_cast<std::int32_t>(plate_->priors.size());
        plate_->priors.push_back(at);
      } else {
        if (const auto [with, line] = factor_of(operand(node, static_cast<std::size_t>(argument), lane));
            with >= 0 && !is_child(node.density, argument))
          return refuse("multiplies `" + model_.parameters[static_cast<std::size_t>(with)].name + "`" +
                            (line > 0 && line != factor.line ? " at line " + std::to_string(line) : "") + ", which enters " +
                            family + ",",
                        factor.line);
        if (simplex_ || !is_child(node.density, argument))
          return refuse(std::string("is ") + word(argument) + " of " + family + ", which is not conjugate to its bounds,",
                        factor.line);
        if (touched > 1) return refuse("enters " + family + " twice", factor.line);
        if (!fits(node.density, form)) return refuse("enters " + family + " in a form that is not conjugate,", factor.line);
        if (!forms_.positive(form.coefficient))
          return refuse("is multiplied in " + family + " by what is not provably positive,", factor.line);
        evidence_ = true;
        at.scalar = form.scalar;
        at.complement = form.shape == Shape::complement;
        at.coefficient = form.coefficient;
        at.halves = form.halves;
        plate_->children.push_back(std::move(at));
      }
      for (std::size_t k = 0; k < node.arity; ++k) meet(operand(node, k, lane), factor.line);
    }
    return true;
  }

  // std_normal(L^-1 (z - l)), which multi_normal becomes: whether the parameter is in L.
  bool in_matrix(const Node& density, std::uint32_t lane) const {
    const Slot variate = operand(density, 0, lane);
    const Node& node = graph_.nodes()[graph_.node_of(variate)];
    if (density.density != Density::std_normal || node.op != Op::solve_lower) return false;
    const Operand& matrix = graph_.operands(node)[0];
    for (std::uint32_t i = 0; i < matrix.size; ++i)
      if (forms_.touches(graph_.slot_of(matrix, i))) return true;
    return false;
  }

  // An unbounded parameter that the parameter multiplies on the way to `slot`, and the line of the product; -1: none.
  std::pair<int, int> factor_of(Slot slot) const {
    for (;;) {
      if (block_.of(slot).parameters.empty()) return {-1, 0};
      const Node& node = graph_.nodes()[graph_.node_of(slot)];
      const std::uint32_t lane = slot - node.first;
      if (!lane_wise(node.op) && !segmented(node.op)) return {-1, 0};
      std::uint32_t from = lane, to = lane + 1;
      if (segmented(node.op)) {
        from = graph_.segments(node)[lane];
        to = graph_.segments(node)[lane + 1];
      }
      Slot next = 0;
      for (std::size_t o = 0; o < node.arity; ++o)
        for (std::uint32_t k = from; k < to; ++k) {
          const Slot s = graph_.slot_of(graph_.operands(node)[o], graph_.operands(node)[o].size == 1 ? 0 : k);
          if (!forms_.touches(s)) continue;
          if ((node.op == Op::mul || node.op == Op::dot) && block_.of(s).parameters.empty()) {
            const Operand& other = graph_.operands(node)[1 - o];
            const auto& with = block_.of(graph_.slot_of(other, other.size == 1 ? 0 : k)).parameters;
            if (!with.empty()) return {with.front(), node.line};
          }
          if (next == 0 && !block_.of(s).parameters.empty()) next = s;
        }
      if (next == 0) return {-1, 0};
      slot = next;
    }
  }

  static const char* word(int argument) {
    return argument == 1 ? "the first parameter" : argument == 2 ? "the second parameter" : "a parameter";
  }

  bool is_prior(const Node& node, std::uint32_t lane) {
    const auto is_number = [&](std::size_t k, double x) {
      return graph_.is_constant(operand(node, k, lane)) && graph_.constant_value(operand(node, k, lane)) == x;
    };
    int sign = 0;
    switch (node.density) {
      case Density::beta: return unit_;
      case Density::uniform: return unit_ && is_number(1, 0) && is_number(2, 1);
      case Density::gamma:
      case Density::exponential:
      case Density::chi_square: sign = 1; break;
      case Density::inv_gamma:
      case Density::inv_chi_square:
      case Density::scaled_inv_chi_square: sign = -1; break;
      default: return false;
    }
    if (unit_ || simplex_ || (prior_sign_ != 0 && prior_sign_ != sign)) return false;
    prior_sign_ = sign;
    return true;
  }

  bool is_child(Density density, int argument) const {
    switch (density) {
      case Density::bernoulli: return unit_ && argument == 1;
      case Density::binomial: return unit_ && argument == 2;
      case Density::poisson:
      case Density::exponential: return !unit_ && argument == 1;
      case Density::gamma:
      case Density::pareto:
      case Density::normal: return !unit_ && argument == 2;
      default: return false;
    }
  }

  bool fits(Density density, const FamilyForm& form) const {
    if (unit_) return form.shape == Shape::complement || form.bare();
    return form.shape == Shape::power && std::abs(form.halves) == (density == Density::normal ? 1 : 2);
  }

  // +1: a Gamma kernel, -1: an InvGamma kernel.
  int sign_of(const FamilyLane& child) const {
    const bool scale = graph_.nodes()[child.node].density == Density::normal;
    return (child.halves > 0) == scale ? -1 : 1;
  }

  bool settle_sign() {
    int sign = prior_sign_;
    for (const FamilyLane& child : plate_->children) {
      if (sign == 0) sign = sign_of(child);
      if (sign_of(child) != sign)
        return refuse(std::string(prior_sign_ != 0 ? "has a " : "enters another density as a ") +
                          (sign > 0 ? "Gamma" : "InvGamma") + (prior_sign_ != 0 ? " prior" : " parameter") + " and enters " +
                          std::string(info(graph_.nodes()[child.node].density).name) + " as " +
                          (sign > 0 ? "an InvGamma" : "a Gamma") + " parameter would,",
                      child.line);
    }
    if (sign == 0) return refuse("has no conjugate factor", parameter_.at.line);
    plate_->family = sign > 0 ? Family::gamma : Family::inv_gamma;
    std::vector<double> power(plate_->elements, 0);  // P as far as known; unknown shapes count as positive
    std::vector<bool> open(plate_->elements, false), any(plate_->elements, false);
    for (const FamilyLane& child : plate_->children) {
      const Node& node = graph_.nodes()[child.node];
      any[child.scalar] = true;
      const auto number = [&](std::size_t k) {
        return graph_.is_constant(operand(node, k, child.lane)) ? graph_.constant_value(operand(node, k, child.lane)) : kUnknown;
      };
      double p = node.density == Density::normal ? 0.5 : 1;
      if (node.density == Density::poisson) p = number(0);
      if (node.density == Density::gamma) p = number(1);
      if (std::isnan(p))
        open[child.scalar] = true;
      else
        power[child.scalar] += p;
    }
    for (std::uint32_t e = 0; e < plate_->elements; ++e) {
      if (prior_of_[e] >= 0) continue;
      if (!any[e]) return refuse("has an element without any factor: its density is improper", parameter_.at.line);
      if (sign < 0 && !open[e] && !(power[e] > 1))
        return refuse("has no prior, and too few factors for a proper conditional", parameter_.at.line);
    }
    return true;
  }

  void meet(Slot slot, int line) {
    for (const Dependencies* dependencies : {&families_, &block_})
      for (const int other : dependencies->of(slot).parameters)
        if (other != plate_->parameter) meets_.insert({other, line});
  }

  // Terms: none may touch the parameter, but sums of weights times log x_k of a simplex.
  bool terms() {
    for (const Term& term : model_.terms) {
      if (!forms_.touches(term.slot)) continue;
      if (!simplex_)
        return refuse("enters the target other than through a distribution", term.line, evidence_ ? "leftover_target" : "bounds");
      evidence_ = true;
      const std::size_t before = plate_->weights.size();
      if (!log_weights(term.slot, term.coefficient, 0, 0)) {
        plate_->weights.resize(before);
        return refuse("enters the target other than as a sum of logarithms", term.line, "leftover_target");
      }
      plate_->terms.emplace_back(term.slot, term.coefficient);
      meet(term.slot, term.line);
    }
    return true;
  }

  // slot = sum of coefficient * weight * log x. At most one weight that depends on kept parameters on the way.
  bool log_weights(Slot slot, double coefficient, Slot weight, int depth) {
    if (depth > 32) return false;
    const Node& node = graph_.nodes()[graph_.node_of(slot)];
    const std::uint32_t lane = slot - node.first;
    if (node.op == Op::log && forms_[slot].shape == Shape::log) {
      plate_->weights.push_back({forms_[slot].scalar, coefficient, weight});
      return true;
    }
    const auto operands = graph_.operands(node);
    const auto product = [&](Slot a, Slot b) {
      if (forms_.touches(a) == forms_.touches(b)) return !forms_.touches(a);
      if (forms_.touches(b)) std::swap(a, b);
      if (graph_.is_constant(b)) return log_weights(a, coefficient * graph_.constant_value(b), weight, depth + 1);
      return weight == 0 && log_weights(a, coefficient, b, depth + 1);
    };
    switch (node.op) {
      case Op::neg: return log_weights(operand(node, 0, lane), -coefficient, weight, depth + 1);
      case Op::mul: return product(operand(node, 0, lane), operand(node, 1, lane));
      case Op::sum:
      case Op::dot: {
        const auto offsets = graph_.segments(node);
        for (std::uint32_t i = offsets[lane]; i < offsets[lane + 1]; ++i) {
          const Slot a = graph_.slot_of(operands[0], operands[0].size == 1 ? 0 : i);
          if (node.op == Op::sum) {
            if (!forms_.touches(a) || !log_weights(a, coefficient, weight, depth + 1)) return false;
          } else {
            const Slot b = graph_.slot_of(operands[1], operands[1].size == 1 ? 0 : i);
            if (!(forms_.touches(a) || forms_.touches(b)) || !product(a, b)) return false;
          }
        }
        return true;
      }
      default: return false;
    }
  }

  // A recognised prior's kernel is taken out of the weights, so that what remains are counts.
  void dirichlet_priors() {
    plate_->dirichlet_prior.assign(plate_->elements, -1);
    plate_->dirichlet_column.assign(plate_->elements, 0);
    std::unordered_map<Slot, std::uint32_t> scalar_of;
    for (std::size_t i = 0; i < parameter_.value.slot.size(); ++i)
      scalar_of[parameter_.value.slot[i]] = static_cast<std::uint32_t>(i);
    std::vector<std::int32_t>& prior = plate_->dirichlet_prior;
    std::vector<std::uint32_t>& column = plate_->dirichlet_column;
    for (std::size_t d = 0; d < model_.dirichlets.size(); ++d) {
      const DirichletPrior& statement = model_.dirichlets[d];
      const std::uint32_t k = plate_->element_size;
      if (statement.variate.known() || statement.variate.dims.empty() ||
          static_cast<std::uint32_t>(statement.variate.dims[0]) != k)
        continue;
      const std::size_t columns = statement.variate.size() / k;
      // All its vectors must be elements of this plate without another prior.
      std::vector<std::uint32_t> element;
      for (std::size_t c = 0; c < columns; ++c) {
        const auto first = scalar_of.find(statement.variate.slot[c * k]);
        bool whole = first != scalar_of.end() && first->second % k == 0;
        for (std::uint32_t i = 0; whole && i < k; ++i) {
          const auto at = scalar_of.find(statement.variate.slot[c * k + i]);
          whole = at != scalar_of.end() && at->second == first->second + i;
        }
        if (!whole || prior[first->second / k] >= 0 ||
            std::find(element.begin(), element.end(), first->second / k) != element.end())
          break;
        element.push_back(first->second / k);
      }
      if (element.size() != columns) continue;
      if (statement.kernel != 0 && !take_kernel(statement.kernel)) continue;
      for (std::size_t c = 0; c < columns; ++c) {
        prior[element[c]] = static_cast<std::int32_t>(d);
        column[element[c]] = static_cast<std::uint32_t>(c);
      }
    }
  }

  // Undoes one occurrence of a kernel in the weights: false where it is not there as a term of its own.
  bool take_kernel(Slot kernel) {
    const auto term = std::find_if(plate_->terms.begin(), plate_->terms.end(), [&](const auto& t) { return t.first == kernel; });
    if (term == plate_->terms.end() || !(term->second >= 1)) return false;
    const std::vector<LogWeight> whole = plate_->weights;
    const std::size_t before = whole.size();
    if (!log_weights(kernel, 1, 0, 0)) return false;
    std::vector<LogWeight> own(plate_->weights.begin() + static_cast<std::ptrdiff_t>(before), plate_->weights.end());
    plate_->weights.resize(before);
    for (const LogWeight& w : own) {
      const auto at = std::find_if(plate_->weights.begin(), plate_->weights.end(), [&](const LogWeight& v) {
        return v.scalar == w.scalar && v.weight == w.weight && v.coefficient == w.coefficient * term->second;
      });
      if (at == plate_->weights.end()) {
        plate_->weights = whole;
        return false;
      }
      at->coefficient = w.coefficient * (term->second - 1);
      // Nothing is left of it: a product with a kept parameter, even by 0, would pass for no count.
      if (at->coefficient == 0) plate_->weights.erase(at);
    }
    return true;
  }

  bool bounds() {
    for (const BoundCheck& check : model_.bound_checks) {
      if (!forms_.touches(check.difference) || provably_nonnegative(graph_, check.difference)) continue;
      const FamilyForm& form = forms_[check.difference];
      const bool proved =
          (form.shape == Shape::complement && unit_) || (form.shape == Shape::power && forms_.positive(form.coefficient));
      if (!proved)
        return refuse("enters `" + check.name + "`, whose declared bound would have to be checked", check.line, "tp_bound");
    }
    return true;
  }

  // Bounds, offsets and multipliers of other parameters.
  bool uses() {
    for (std::size_t p = 0; p < model_.parameters.size(); ++p) {
      if (static_cast<int>(p) == plate_->parameter) continue;
      const Parameter& other = model_.parameters[p];
      for (const Value* value : {&other.lower, &other.upper, &other.offset, &other.multiplier})
        for (const Slot slot : value->slot)
          if (forms_.touches(slot)) return refuse("is in the declaration of `" + other.name + "`", other.at.line);
    }
    return true;
  }

  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  const FactorGraph& model_;
  const Graph& graph_;
  const Dependencies &families_, &block_;
  const Parameter& parameter_;
  FamilyForms forms_;
  std::shared_ptr<FamilyPlate> plate_ = std::make_shared<FamilyPlate>();
  FamilyFinding found_;
  bool simplex_ = false, unit_ = false, evidence_ = false;
  int prior_sign_ = 0;
  std::vector<std::int32_t> prior_of_;
  std::set<std::pair<int, int>> meets_;
};

}  // namespace

bool declared_for_family(const Parameter& parameter) {
  if (parameter.value.size() == 0 || parameter.value.known()) return false;
  if (std::find(parameter.value.slot.begin(), parameter.value.slot.end(), Slot{0}) != parameter.value.slot.end()) return false;
  if (parameter.constraint == ConstraintKind::simplex) return parameter.dims.back() > 1;
  if (parameter.constraint != ConstraintKind::bounded) return false;
  return known_equal(parameter.lower, 0) && (parameter.upper.size() == 0 || known_equal(parameter.upper, 1));
}

FamilyFinding find_family(const FactorGraph& model, const Dependencies& families, const Dependencies& block, int parameter) {
  return Scan(model, families, block, parameter).run();
}

}  // namespace tenfold::hmc_marg
