// A parameter's prior is the density whose variate it is. On a bounded declaration Stan does not renormalise it: its mass is that
// of the family between the bounds. Bounded on both sides, or a simplex, without a prior: the volume. A simplex's volume is 1 /
// Gamma(K).
#include "hmc-marg/exact_evidence.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <vector>

#include "hmc-marg/densities.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg {
namespace {

struct Range {
  double low = -kInfinity, high = kInfinity;
  bool operator==(const Range&) const = default;
};

// Truncations by line: those priors are renormalised by the program itself. A bound that is no literal number becomes NaN.
void find_truncations(const std::vector<StmtPtr>& statements, std::map<int, Range>& by_line) {
  const auto bound = [](const ExprPtr& e, double absent) { return !e ? absent : e->kind == ExprKind::number ? e->number : kNaN; };
  for (const StmtPtr& s : statements) {
    if (s->truncated) by_line[s->at.line] = {bound(s->low, -kInfinity), bound(s->high, kInfinity)};
    find_truncations(s->body, by_line);
    find_truncations(s->otherwise, by_line);
  }
}

struct PriorLane {
  const Node* node = nullptr;
  std::uint32_t lane = 0;
  int line = 0;
};

// Densities by the slot that is their variate, and what else of the target a slot enters: terms, and variates computed from it.
class Uses {
 public:
  explicit Uses(const FactorGraph& model) : model_(model), reached_(model.graph.slot_count(), 0) {
    for (const Factor& factor : model.factors) {
      const Node& node = model.graph.nodes()[factor.node];
      const std::span<const Operand> operands = model.graph.operands(node);
      for (std::uint32_t lane = 0; node.op == Op::density && lane < node.lanes; ++lane)
        priors_[model.graph.slot_of(operands[0], operands[0].kind == Operand::Kind::single ? 0 : lane)].push_back(
            {&node, lane, factor.line});
    }
    // Backwards from the terms of the target and from variates that are computed.
    for (const Term& term : model.terms) reached_[term.slot] = 1;
    for (const auto& [slot, lanes] : priors_) reached_[slot] = 1;
    const std::vector<Node>& nodes = model.graph.nodes();
    for (std::size_t n = nodes.size(); n-- > 1;) {
      const Node& node = nodes[n];
      if (node.op == Op::constant || node.op == Op::parameter) continue;
      const bool wanted =
          std::any_of(reached_.begin() + node.first, reached_.begin() + node.first + node.lanes, [](char r) { return r != 0; });
      if (!wanted) continue;
      for (const Operand& operand : model.graph.operands(node))
        for (std::uint32_t i = 0; i < operand.size; ++i) reached_[model.graph.slot_of(operand, i)] = 1;
    }
  }

  const std::vector<PriorLane>& priors(Slot slot) const {
    static const std::vector<PriorLane> none;
    const auto at = priors_.find(slot);
    return at == priors_.end() ? none : at->second;
  }
  bool reached(Slot slot) const { return reached_[slot] != 0; }
  double argument(const PriorLane& prior, int i, bool& known) const {
    const Operand& operand = model_.graph.operands(*prior.node)[static_cast<std::size_t>(i)];
    const Slot slot = model_.graph.slot_of(operand, operand.kind == Operand::Kind::single ? 0 : prior.lane);
    known = known && model_.graph.is_constant(slot);
    return known ? model_.graph.constant_value(slot) : 0;
  }

 private:
  const FactorGraph& model_;
  std::vector<char> reached_;
  std::unordered_map<Slot, std::vector<PriorLane>> priors_;
};

Range support(Density family) {
  switch (family) {
    case Density::lognormal:
    case Density::gamma:
    case Density::inv_gamma:
    case Density::exponential:
    case Density::weibull:
    case Density::chi_square:
    case Density::inv_chi_square:
    case Density::scaled_inv_chi_square: return {0, kInfinity};
    case Density::beta: return {0, 1};
    default: return {};
  }
}

// log(e^x - e^y), x >= y
double log_difference(double x, double y) { return y == -kInfinity ? x : x + log1m_exp(y - x); }

// log of the family's mass between the bounds. Differences are taken in the tail where they keep their digits.
double log_mass_between(Density family, std::vector<double> arguments, const Range& bounds) {
  const auto tail = [&](double at, bool upper) {
    if (std::isinf(at)) return (at > 0) == upper ? -kInfinity : 0.0;
    arguments[0] = at;
    return upper ? log_ccdf(family, arguments.data()) : log_cdf(family, arguments.data());
  };
  const double below_low = tail(bounds.low, false), above_high = tail(bounds.high, true);
  if (below_low < std::log(0.5) && above_high < std::log(0.5)) return std::log1p(-std::exp(below_low) - std::exp(above_high));
  return below_low < above_high ? log_difference(tail(bounds.high, false), below_low)
                                : log_difference(tail(bounds.low, true), above_high);
}

class Mass {
 public:
  explicit Mass(const Model& model) : model_(model), uses_(model.graph) {
    for (const std::vector<StmtPtr>& block : model.program.blocks) find_truncations(block, truncations_);
    for (const FunctionDefinition& function : model.program.functions) find_truncations(function.body, truncations_);
  }

  PriorMass of_all() {
    for (const Parameter& p : model_.graph.parameters) add(p);
    PriorMass mass;
    mass.flat = flat_;
    if (known_ && !flat_) mass.log_mass = log_mass_;
    return mass;
  }

 private:
  static bool known_bound(const Value& bound, std::size_t i, double& out) {
    if (bound.size() == 0) return true;
    const std::size_t at = bound.size() == 1 ? 0 : i;
    if (!bound.known() && bound.slot[at] != 0) return false;
    out = bound.number[at];
    return true;
  }

  void add(const Parameter& p) {
    switch (p.constraint) {
      case ConstraintKind::none:
      case ConstraintKind::affine:
      case ConstraintKind::bounded:
        for (std::size_t i = 0; i < p.value.size(); ++i) add_scalar(p, i);
        return;
      case ConstraintKind::simplex: return add_simplex(p);
      case ConstraintKind::cholesky_factor_corr:
      case ConstraintKind::corr_matrix:
        // Compact, with or without an lkj prior; its volume is not worth a formula here.
        if (p.free_size > 0) known_ = false;
        return;
      default:
        if (p.free_size == 0) return;
        known_ = false;
        flat_ = flat_ || !touched(p);
    }
  }

  bool touched(const Parameter& p) const {
    return std::any_of(p.value.slot.begin(), p.value.slot.end(), [&](Slot s) { return s != 0 && uses_.reached(s); }) ||
           std::any_of(p.value.slot.begin(), p.value.slot.end(), [&](Slot s) { return s != 0 && !uses_.priors(s).empty(); });
  }

  // Dirichlet densities are compositions: a simplex in leftover terms has a prior of its own (its mass is 1 where it is a
  // Dirichlet, but that is not read back from the terms).
  void add_simplex(const Parameter& p) {
    if (p.free_size == 0) return;
    if (touched(p)) {
      known_ = false;
      return;
    }
    const auto k = static_cast<double>(p.dims.back());
    log_mass_ -= log_gamma(k) * static_cast<double>(p.value.size()) / k;
  }

  void add_scalar(const Parameter& p, std::size_t i) {
    const Slot slot = p.value.slot.empty() ? 0 : p.value.slot[i];
    if (slot == 0 || model_.graph.graph.is_constant(slot)) return;
    Range bounds;
    const bool known_bounds = known_bound(p.lower, i, bounds.low) && known_bound(p.upper, i, bounds.high);
    const std::vector<PriorLane>& priors = uses_.priors(slot);
    if (priors.empty()) {
      const bool closed = p.lower.size() > 0 && p.upper.size() > 0;
      if (uses_.reached(slot)) {
        known_ = false;  // target += of an expression, or a density of a function of the parameter
      } else if (!closed) {
        flat_ = true;
      } else if (known_bounds) {
        log_mass_ += std::log(bounds.high - bounds.low);
      } else {
        known_ = false;
      }
      return;
    }
    if (priors.size() > 1 || in_terms(slot) || !known_bounds) {
      known_ = false;
      return;
    }
    const PriorLane& prior = priors.front();
    const Density family = prior.node->density;
    const Range natural = support(family);
    if (natural.low >= bounds.low && natural.high <= bounds.high) return;  // all of it
    const auto truncation = truncations_.find(prior.line);
    if (truncation != truncations_.end() && truncation->second == bounds) return;
    if (truncation != truncations_.end() || !has_cdf(family)) {
      known_ = false;
      return;
    }
    bool known = true;
    std::vector<double> arguments(kMaxDensityArguments, 0.0);
    for (int k = 1; k < prior.node->arity; ++k) arguments[static_cast<std::size_t>(k)] = uses_.argument(prior, k, known);
    if (!known) {
      known_ = false;
      return;
    }
    log_mass_ += log_mass_between(family, arguments, bounds);
  }

  bool in_terms(Slot slot) const {
    return std::any_of(model_.graph.terms.begin(), model_.graph.terms.end(), [&](const Term& t) { return t.slot == slot; });
  }

  const Model& model_;
  Uses uses_;
  std::map<int, Range> truncations_;
  bool flat_ = false, known_ = true;
  double log_mass_ = 0;
};

}  // namespace

PriorMass prior_mass(const Model& model) { return Mass(model).of_all(); }

}  // namespace tenfold::hmc_marg
