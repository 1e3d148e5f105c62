// The marginal of each plate as terms of the target and gamma ratios. With P, Q the sums over an element's children and r their
// rests:
//   Gamma, InvGamma  lgamma(alpha + P) - lgamma(alpha) - alpha log1p(Q / beta) - P log(beta + Q) + sum r
//   without a prior  lgamma(alpha + P) - (alpha + P) log Q + sum r, alpha = 1 (InvGamma: -1)
//   Beta             ratio(a, P) + ratio(b, Q) - ratio(a + b, P + Q) + sum r,   ratio(a, y) = lgamma(a + y) - lgamma(a)
//   Dirichlet        sum_k ratio(alpha_k, P_k) - ratio(sum alpha, sum P) + sum r
#include "hmc-marg/conjugate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

#include "hmc-marg/affine_classes.h"
#include "hmc-marg/conjugate_quantities.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/gamma_ratio_factor.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg {

const char* name_of(Family family) {
  constexpr const char* kNames[] = {"gamma", "inv_gamma", "beta", "dirichlet"};
  return kNames[static_cast<int>(family)];
}

namespace {

using Weighted = Quantities::Weighted;

// A part of an element's gain while its children are met.
struct Gain {
  double known = 0;
  std::vector<Weighted> parts;
};

class Taker {
 public:
  Taker(FactorGraph& model, TargetSpec& target)
      : model_(model), graph_(model.graph), target_(target), q_(model.graph), system_(std::make_shared<FamilySystem>()) {}

  std::shared_ptr<const FamilySystem> run(const std::vector<std::shared_ptr<const FamilyPlate>>& plates) {
    for (const auto& plate : plates) {
      remove(*plate);
      system_->parameters.push_back(plate->parameter);
    }
    remove_lanes();
    for (const auto& plate : plates) {
      if (plate->family == Family::dirichlet)
        dirichlet(*plate);
      else
        independent(*plate);
    }
    finish();
    return system_;
  }

 private:
  // Inputs, Jacobians and terms of the parameter; its factors are noted.
  void remove(const FamilyPlate& plate) {
    const Parameter& parameter = model_.parameters[static_cast<std::size_t>(plate.parameter)];
    std::erase_if(target_.inputs,
                  [&](Slot s) { return s >= parameter.free_first && s < parameter.free_first + parameter.free_size; });
    std::map<std::pair<Slot, double>, int> gone;
    for (const Slot s : parameter.log_jacobian) ++gone[{s, 1.0}];
    for (const auto& term : plate.terms) ++gone[term];
    std::erase_if(target_.terms, [&](const Term& t) {
      const auto at = gone.find({t.slot, t.coefficient});
      return at != gone.end() && at->second-- > 0;
    });
    for (const auto* lanes : {&plate.priors, &plate.children})
      for (const FamilyLane& lane : *lanes) {
        std::vector<bool>& taken = taken_[lane.node];
        taken.resize(graph_.nodes()[lane.node].lanes, false);
        taken[lane.lane] = true;
      }
    std::erase_if(target_.nonnegative, [&](Slot check) { return depends(check, plate); });  // bounds that recognition proved
  }

  bool depends(Slot check, const FamilyPlate& plate) {
    auto& touched = touched_[plate.parameter];
    if (touched == nullptr) {
      std::vector<bool> candidate(model_.parameters.size(), false);
      candidate[static_cast<std::size_t>(plate.parameter)] = true;
      touched = std::make_unique<Dependencies>(model_, candidate);
    }
    return touched->class_of(check) != 0;
  }

  void remove_lanes() {
    std::vector<DensityLanes> left;
    for (DensityLanes& entry : target_.densities) {
      const auto at = taken_.find(entry.node);
      if (at == taken_.end()) {
        left.push_back(std::move(entry));
        continue;
      }
      DensityLanes rest{entry.node, {}};
      const std::uint32_t lanes = graph_.nodes()[entry.node].lanes;
      const std::size_t n = entry.lanes.empty() ? lanes : entry.lanes.size();
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t lane = entry.lanes.empty() ? static_cast<std::uint32_t>(i) : entry.lanes[i];
        if (!at->second[lane]) rest.lanes.push_back(lane);
      }
      if (!rest.lanes.empty()) left.push_back(std::move(rest));
    }
    target_.densities = std::move(left);
  }

  Quantity argument(const FamilyLane& lane, std::size_t k) const {
    const Node& node = graph_.nodes()[lane.node];
    const Operand& list = graph_.operands(node)[k];
    return q_.of(graph_.slot_of(list, list.size == 1 ? 0 : lane.lane));
  }

  // coefficient * log x into the target.
  void term(const Quantity& x, double coefficient) {
    if (x.slot == 0) {
      target_.constant += coefficient * x.number;
    } else {
      terms_[x.slot] += coefficient;
    }
  }
  void term_log(const Quantity& x, double coefficient) {
    if (coefficient == 0) return;
    term(x.slot == 0 ? Quantities::known(std::log(x.number)) : Quantity{0, q_.nodes().log_of(x.slot)}, coefficient);
  }
  void term_log(const Monomial& m, double coefficient) {
    if (coefficient == 0) return;
    target_.constant += coefficient * std::log(m.number);
    for (const auto& [slot, halves] : m.slots) term_log(Quantity{0, slot}, 0.5 * halves * coefficient);
  }
  // p log m with p possibly a scalar of the graph.
  void term_log(const Monomial& m, const Quantity& p) {
    if (p.slot == 0) return term_log(m, p.number);
    if (m.number != 1) term(p, std::log(m.number));
    for (const auto& [slot, halves] : m.slots) term(q_.mul(p, Quantity{0, q_.nodes().log_of(slot)}), 0.5 * halves);
  }

  static void gain(Gain& to, const Quantity& x, double weight = 1) {
    if (x.slot == 0) {
      to.known += weight * x.number;
    } else {
      to.parts.push_back({x.slot, weight});
    }
  }
  // number * slots * y
  void gain_product(Gain& to, const Monomial& m, const Quantity& y, double weight = 1) {
    Monomial slots = m;
    slots.number = 1;
    const Quantity rest = q_.mul(q_.value(slots), y.slot == 0 ? Quantities::known(1) : y);
    gain(to, rest, weight * m.number * (y.slot == 0 ? y.number : 1));
  }
  void require_nonnegative(const Quantity& x) {
    if (x.slot != 0 && !provably_nonnegative(graph_, x.slot)) target_.nonnegative.push_back(x.slot);
  }

  // Gamma, InvGamma, Beta.
  void independent(const FamilyPlate& plate) {
    std::vector<std::array<Gain, 2>> gains(plate.elements);
    std::vector<std::array<Quantity, 2>> prior(plate.elements);
    std::vector<bool> flat(plate.elements, true);
    for (const FamilyLane& lane : plate.priors) {
      graph_.set_line(lane.line);
      flat[lane.scalar] = false;
      prior[lane.scalar] = prior_of(lane);
    }
    for (const FamilyLane& lane : plate.children) {
      graph_.set_line(lane.line);
      if (plate.family == Family::beta)
        beta_child(lane, gains[lane.scalar]);
      else
        rate_child(lane, gains[lane.scalar]);
    }
    for (std::uint32_t e = 0; e < plate.elements; ++e) {
      const Quantity p = q_.sum(gains[e][0].known, std::move(gains[e][0].parts)),
                     q = q_.sum(gains[e][1].known, std::move(gains[e][1].parts));
      if (plate.family == Family::beta) {
        if (flat[e]) prior[e] = {Quantities::known(1), Quantities::known(1)};
        ratios_.push_back({prior[e][0], p, 1});
        ratios_.push_back({prior[e][1], q, 1});
        ratios_.push_back({q_.add(prior[e][0], prior[e][1]), q_.add(p, q), -1});
      } else if (flat[e]) {
        prior[e] = {Quantities::known(plate.family == Family::gamma ? 1 : -1), Quantities::known(0)};
        const Quantity shape = q_.add(prior[e][0], p);
        term(q_.apply(Op::lgamma, shape), 1);
        if (shape.slot == 0)
          term(q_.apply(Op::log, q), -shape.number);
        else
          term(q_.mul(shape, q_.apply(Op::log, q)), -1);
      } else {
        ratios_.push_back({prior[e][0], p, 1});
        const Quantity growth = q_.apply(Op::log1p, q_.apply(Op::div, q, prior[e][1]));
        if (prior[e][0].slot == 0)
          term(growth, -prior[e][0].number);
        else
          growths_[prior[e][0].slot].push_back(growth);
        const Quantity rate = q_.apply(Op::log, q_.add(prior[e][1], q));
        if (p.slot == 0)
          term(rate, -p.number);
        else
          term(q_.mul(p, rate), -1);
      }
      add_element(plate, e, 1, prior[e], std::array<Quantity, 2>{p, q});
    }
  }

  template <class Prior, class Gains>
  void add_element(const FamilyPlate& plate, std::uint32_t e, std::uint32_t size, const Prior& prior, const Gains& gains) {
    FamilyElement element;
    element.family = plate.family;
    element.parameter = plate.parameter;
    element.scalar = e * size;
    element.size = size;
    element.first = static_cast<std::uint32_t>(system_->prior.size());
    element.parts = static_cast<std::uint32_t>(prior.size());
    system_->prior.insert(system_->prior.end(), prior.begin(), prior.end());
    system_->gain.insert(system_->gain.end(), gains.begin(), gains.end());
    system_->elements.push_back(element);
  }

  std::array<Quantity, 2> prior_of(const FamilyLane& lane) {
    switch (graph_.nodes()[lane.node].density) {
      case Density::exponential: return {Quantities::known(1), argument(lane, 1)};
      case Density::chi_square:
      case Density::inv_chi_square: return {q_.mul(Quantities::known(0.5), argument(lane, 1)), Quantities::known(0.5)};
      case Density::scaled_inv_chi_square: {
        const Quantity half = q_.mul(Quantities::known(0.5), argument(lane, 1));
        return {half, q_.mul(half, q_.apply(Op::square, argument(lane, 2)))};
      }
      case Density::uniform: return {Quantities::known(1), Quantities::known(1)};
      default: return {argument(lane, 1), argument(lane, 2)};
    }
  }

  void beta_child(const FamilyLane& lane, std::array<Gain, 2>& to) {
    const bool single = graph_.nodes()[lane.node].density == Density::bernoulli;
    const double y = argument(lane, 0).number, n = single ? 1 : argument(lane, 1).number;
    to[lane.complement ? 1 : 0].known += y;
    to[lane.complement ? 0 : 1].known += n - y;
    target_.constant += single ? 0 : log_choose(n, y);
  }

  // One child of a Gamma or InvGamma element: p and q of its kernel into `to`, its rest into the target.
  void rate_child(const FamilyLane& lane, std::array<Gain, 2>& to) {
    const Monomial& c = lane.coefficient;
    const Quantity y = argument(lane, 0);
    switch (graph_.nodes()[lane.node].density) {
      case Density::poisson:
        gain(to[0], y);
        gain_product(to[1], c, Quantities::known(1));
        term_log(c, y.number);
        target_.constant -= log_gamma(y.number + 1);
        return;
      case Density::exponential:
        gain(to[0], Quantities::known(1));
        gain_product(to[1], c, y);
        term_log(c, 1.0);
        require_nonnegative(y);
        return;
      case Density::gamma: {
        const Quantity shape = argument(lane, 1);
        gain(to[0], shape);
        gain_product(to[1], c, y);
        term_log(c, shape);
        term(q_.apply(Op::lgamma, shape), -1);
        if (shape.slot == 0)
          term_log(y, shape.number - 1);
        else
          term(q_.mul(q_.apply(Op::sub, shape, Quantities::known(1)),
                      y.slot == 0 ? Quantities::known(std::log(y.number)) : Quantity{0, q_.nodes().log_of(y.slot)}),
               1);
        require_nonnegative(y);
        return;
      }
      case Density::pareto: {
        const Quantity least = argument(lane, 1);
        gain(to[0], Quantities::known(1));
        gain_product(to[1], c, q_.apply(Op::log, q_.apply(Op::div, y, least)));
        term_log(c, 1.0);
        term_log(y, -1);
        require_nonnegative(q_.apply(Op::sub, y, least));
        return;
      }
      default: {  // normal: its scale is c x^(-1/2) or c x^(1/2)
        const Quantity distance = q_.apply(Op::sub, y, argument(lane, 1));
        const bool known_scale = c.slots.empty();
        const Quantity standard = known_scale ? distance : q_.apply(Op::div, distance, scale_of(c));
        gain(to[0], Quantities::known(0.5));
        gain(to[1], q_.apply(Op::square, standard), 0.5 / (c.number * c.number));
        term_log(c, -1.0);
        target_.constant -= kHalfLog2Pi;
      }
    }
  }

  Quantity scale_of(const Monomial& c) {
    Monomial slots = c;
    slots.number = 1;
    return q_.value(slots);
  }

  void dirichlet(const FamilyPlate& plate) {
    const std::uint32_t k = plate.element_size;
    std::vector<Gain> gains(static_cast<std::size_t>(plate.elements) * k);
    for (const LogWeight& w : plate.weights)
      gain(gains[w.scalar], w.weight == 0 ? Quantities::known(1) : Quantity{0, w.weight}, w.coefficient);
    for (std::uint32_t e = 0; e < plate.elements; ++e) {
      graph_.set_line(model_.parameters[static_cast<std::size_t>(plate.parameter)].at.line);
      std::vector<Quantity> prior(k, Quantities::known(1)), gained(k);
      bool counts = true;
      for (std::uint32_t i = 0; i < k; ++i) {
        Gain& g = gains[e * k + i];
        gained[i] = q_.sum(g.known, std::move(g.parts));
        counts = counts && gained[i].slot == 0 && gained[i].number >= 0;
      }
      const std::int32_t statement = plate.dirichlet_prior[e];
      if (statement >= 0) {
        const DirichletPrior& d = model_.dirichlets[static_cast<std::size_t>(statement)];
        graph_.set_line(d.line);
        for (std::uint32_t i = 0; i < k; ++i) {
          const std::size_t at = static_cast<std::size_t>(plate.dirichlet_column[e]) * k + i;
          prior[i] = d.alpha.known() || d.alpha.slot[at] == 0 ? Quantities::known(d.alpha.number[at]) : q_.of(d.alpha.slot[at]);
        }
      }
      const Quantity all_prior = total(prior), all_gained = total(gained);
      if (statement >= 0 && counts) {
        for (std::uint32_t i = 0; i < k; ++i) {
          ratios_.push_back({prior[i], gained[i], 1});
          cancel(prior[i], 1);
        }
        ratios_.push_back({all_prior, all_gained, -1});
        cancel(all_prior, -1);
      } else {  // whatever normaliser the program has stays in the target
        for (std::uint32_t i = 0; i < k; ++i) term(q_.apply(Op::lgamma, q_.add(prior[i], gained[i])), 1);
        term(q_.apply(Op::lgamma, q_.add(all_prior, all_gained)), -1);
      }
      add_element(plate, e, k, prior, gained);
    }
  }

  Quantity total(const std::vector<Quantity>& items) {
    double known = 0;
    std::vector<Weighted> parts;
    for (const Quantity& item : items) {
      known += item.slot == 0 ? item.number : 0;
      if (item.slot != 0) parts.push_back({item.slot, 1});
    }
    return q_.sum(known, std::move(parts));
  }

  // Adds weight * lgamma(a): takes it from a term of the program that has the opposite sign, where there is one.
  void cancel(const Quantity& a, double weight) {
    if (a.slot == 0) {
      target_.constant += weight * log_gamma(a.number);
      return;
    }
    cancels_[a.slot] += weight;
  }

  void finish() {
    for (auto& [shape, growths] : growths_) {
      double known = 0;
      std::vector<Weighted> parts;
      for (const Quantity& g : growths) {
        known += g.slot == 0 ? g.number : 0;
        if (g.slot != 0) parts.push_back({g.slot, 1});
      }
      term(q_.mul(Quantity{0, shape}, q_.sum(known, std::move(parts))), -1);
    }
    for (Term& t : target_.terms) {
      const Node& node = graph_.nodes()[graph_.node_of(t.slot)];
      if (node.op != Op::lgamma || cancels_.empty()) continue;
      const Operand& list = graph_.operands(node)[0];
      const Slot of = graph_.slot_of(list, list.size == 1 ? 0 : t.slot - node.first);
      auto at = cancels_.find(of);
      if (at == cancels_.end())
        at = std::find_if(cancels_.begin(), cancels_.end(), [&](const auto& c) { return same_sum(c.first, of); });
      if (at == cancels_.end()) continue;
      t.coefficient += at->second;
      cancels_.erase(at);
    }
    for (const auto& [slot, weight] : cancels_) terms_[q_.slot(q_.apply(Op::lgamma, Quantity{0, slot}))] += weight;
    std::erase_if(target_.terms, [](const Term& t) { return t.coefficient == 0; });
    for (const auto& [slot, coefficient] : terms_)
      if (coefficient != 0) target_.terms.push_back({slot, coefficient, 0});
    auto factor = std::make_shared<GammaRatioFactor>(std::move(ratios_));
    if (factor->empty())
      target_.constant += factor->known();
    else
      target_.factors.push_back(std::move(factor));
  }

  // Two sums over the same scalars, in whatever order.
  bool same_sum(Slot a, Slot b) const {
    const auto items = [&](Slot s) {
      std::vector<Slot> list;
      const Node& node = graph_.nodes()[graph_.node_of(s)];
      if (node.op != Op::sum) return list;
      const auto offsets = graph_.segments(node);
      const Operand& operand = graph_.operands(node)[0];
      for (std::uint32_t i = offsets[s - node.first]; i < offsets[s - node.first + 1]; ++i)
        list.push_back(graph_.slot_of(operand, operand.size == 1 ? 0 : i));
      std::sort(list.begin(), list.end());
      return list;
    };
    const std::vector<Slot> x = items(a);
    return !x.empty() && x == items(b);
  }

  FactorGraph& model_;
  Graph& graph_;
  TargetSpec& target_;
  Quantities q_;
  std::shared_ptr<FamilySystem> system_;
  std::unordered_map<std::uint32_t, std::vector<bool>> taken_;
  std::map<int, std::unique_ptr<Dependencies>> touched_;
  std::map<Slot, double> terms_, cancels_;
  std::map<Slot, std::vector<Quantity>> growths_;  // by alpha: log1p(Q / beta)
  std::vector<GammaRatio> ratios_;
};

}  // namespace

std::shared_ptr<const FamilySystem> take_families(FactorGraph& model,
                                                  const std::vector<std::shared_ptr<const FamilyPlate>>& plates,
                                                  TargetSpec& target) {
  return Taker(model, target).run(plates);
}

}  // namespace tenfold::hmc_marg
