// What the marginal of a plate costs: which ratios of gamma functions it takes, which elements are alike.
#include "hmc-marg/plan_families.h"

#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "hmc-marg/gamma_ratio_factor.h"

namespace tenfold::hmc_marg {

namespace {

// ns, measured: a logarithm and a division an element (or kind of equal elements), a child whose numbers depend on parameters, a
// scalar of a simplex.
constexpr double kElement = 5, kChild = 4, kSimplexScalar = 12;

class Plate {
 public:
  Plate(const FactorGraph& model, const FamilyPlate& plate)
      : graph_(model.graph), plate_(plate), prior_(plate.elements, {{1, 0}, {1, 0}}), gain_(plate.elements) {}

  double ns() {
    if (plate_.family == Family::dirichlet) return kSimplexScalar * plate_.elements * plate_.element_size;
    for (const FamilyLane& lane : plate_.priors) read_prior(lane);
    double children = 0;
    for (const FamilyLane& lane : plate_.children) children += read_child(lane) ? 1 : 0;
    std::vector<GammaRatio> ratios;
    std::set<std::tuple<Slot, double, Slot, double, double, double, Slot>> kinds;
    for (std::size_t e = 0; e < plate_.elements; ++e) {
      const auto& [a, b] = prior_[e];
      const Gain& g = gain_[e];
      ratios.push_back({a, {g.p, g.unknown}, 1});
      if (plate_.family == Family::beta) {
        ratios.push_back({b, {g.q, g.unknown}, 1});
        if (a.slot != 0 || b.slot != 0) ratios.push_back({{0, sum_of(a, b)}, {g.p + g.q, g.unknown}, -1});
      } else {
        kinds.emplace(a.slot, a.number, b.slot, b.number, g.p, g.q, g.unknown);
      }
    }
    return GammaRatioFactor(std::move(ratios)).predicted_ns() + kElement * static_cast<double>(kinds.size()) + kChild * children;
  }

 private:
  // Sums over an element's children, as far as known; unknown: a number of the element's own in place of a slot, else 0.
  struct Gain {
    double p = 0, q = 0;
    Slot unknown = 0;
  };

  Slot argument(const FamilyLane& lane, std::size_t k) const {
    const Operand& list = graph_.operands(graph_.nodes()[lane.node])[k];
    return graph_.slot_of(list, list.size == 1 ? 0 : lane.lane);
  }
  Quantity quantity(Slot slot) const {
    return graph_.is_constant(slot) ? Quantity{graph_.constant_value(slot), 0} : Quantity{0, slot};
  }

  void read_prior(const FamilyLane& lane) {
    auto& [a, b] = prior_[lane.scalar];
    switch (graph_.nodes()[lane.node].density) {
      case Density::exponential: b = quantity(argument(lane, 1)); break;
      case Density::chi_square:
      case Density::inv_chi_square: a = quantity(argument(lane, 1)); break;
      case Density::uniform: break;
      default:
        a = quantity(argument(lane, 1));
        b = quantity(argument(lane, 2));
        if (lane.complement) std::swap(a, b);
    }
  }

  // True if what the child adds depends on parameters.
  bool read_child(const FamilyLane& lane) {
    const Node& node = graph_.nodes()[lane.node];
    int varying = 0;
    for (std::size_t k = 0; k < node.arity; ++k) varying += graph_.is_constant(argument(lane, k)) ? 0 : 1;
    Gain& gain = gain_[lane.scalar];
    if (varying > 1 || !lane.coefficient.slots.empty()) {
      gain.unknown = fresh(lane.scalar);
      return true;
    }
    const auto value = [&](std::size_t k) {
      const Slot slot = argument(lane, k);
      return graph_.is_constant(slot) ? graph_.constant_value(slot) : 0;
    };
    const double c = lane.coefficient.number, y = value(0);
    switch (node.density) {
      case Density::poisson: return add(gain, y, c);
      case Density::gamma: return add(gain, value(1), c * y);
      case Density::exponential: return add(gain, 1, c * y);
      case Density::normal: return add(gain, 0.5, c * (y - value(1)) * (y - value(1)));
      case Density::pareto: return add(gain, 1, y);
      case Density::bernoulli: return lane.complement ? add(gain, 1 - y, y) : add(gain, y, 1 - y);
      case Density::binomial: return lane.complement ? add(gain, value(1) - y, y) : add(gain, y, value(1) - y);
      default: gain.unknown = fresh(lane.scalar); return false;
    }
  }
  static bool add(Gain& gain, double p, double q) {
    gain.p += p;
    gain.q += q;
    return false;
  }

  // Numbers beyond the graph's slots, for what only a built plate would have a slot for.
  Slot fresh(std::uint32_t scalar) const { return graph_.slot_count() + scalar; }
  Slot sum_of(const Quantity& a, const Quantity& b) {
    const auto next = static_cast<Slot>(graph_.slot_count() + plate_.elements + sums_.size());
    return sums_.try_emplace({a.slot, a.number, b.slot, b.number}, next).first->second;
  }

  const Graph& graph_;
  const FamilyPlate& plate_;
  std::vector<std::pair<Quantity, Quantity>> prior_;
  std::vector<Gain> gain_;
  std::map<std::tuple<Slot, double, Slot, double>, Slot> sums_;
};

}  // namespace

double family_ns(const FactorGraph& model, const FamilyPlate& plate) { return Plate(model, plate).ns(); }

bool prior_varies(const FactorGraph& model, const FamilyPlate& plate) {
  const Graph& graph = model.graph;
  for (const FamilyLane& lane : plate.priors) {
    const Node& node = graph.nodes()[lane.node];
    for (std::size_t k = 1; k < node.arity; ++k) {
      const Operand& list = graph.operands(node)[k];
      if (!graph.is_constant(graph.slot_of(list, list.size == 1 ? 0 : lane.lane))) return true;
    }
  }
  return false;
}

}  // namespace tenfold::hmc_marg
