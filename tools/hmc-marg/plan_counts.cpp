// Two passes over the graph: forwards, of which scalars each slot is a linear combination; backwards, which densities need it.
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "hmc-marg/conjugate.h"
#include "hmc-marg/plan_cost.h"
#include "hmc-marg/plan_families.h"

namespace tenfold::hmc_marg {

namespace {

constexpr double kGather = 0.7, kSum = 0.25, kLog = 2.5, kGamma = 36;  // ns a lane, forwards and back

bool linear(Op op) {
  switch (op) {
    case Op::neg:
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::sum:
    case Op::dot:
    case Op::cumulative_sum:
    case Op::solve_lower:
    case Op::solve_lower_transposed: return true;
    default: return false;
  }
}

double lane_ns(Op op) {
  switch (op) {
    case Op::neg:
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::abs:
    case Op::square:
    case Op::fmin:
    case Op::fmax:
    case Op::fdim:
    case Op::cumulative_sum: return kSum;
    case Op::div:
    case Op::inv:
    case Op::sqrt:
    case Op::inv_square:
    case Op::inv_sqrt: return 2 * kSum;
    case Op::lgamma:
    case Op::digamma: return kGamma;
    case Op::lbeta:
    case Op::lchoose: return 3 * kGamma;
    default: return kLog;
  }
}

// How many pairs of lgamma and digamma a lane takes where the arguments in the bit set `varying` depend on parameters.
int gamma_functions(Density family, unsigned varying) {
  const auto varies = [&](int k) { return (varying >> k & 1u) != 0 ? 1 : 0; };
  switch (family) {
    case Density::gamma:
    case Density::inv_gamma:
    case Density::chi_square:
    case Density::inv_chi_square:
    case Density::scaled_inv_chi_square: return varies(1);
    case Density::student_t: return 2 * varies(1);
    case Density::beta: return varies(1) + varies(2) + (varies(1) | varies(2));
    case Density::neg_binomial: return 2 * varies(1);
    case Density::neg_binomial_2:
    case Density::neg_binomial_2_log: return 2 * varies(2);
    case Density::beta_binomial: return 6 * (varies(2) | varies(3));
    default: return 0;
  }
}

double density_ns(Density family, unsigned varying) {
  const double gamma = kGamma * gamma_functions(family, varying);
  switch (family) {
    case Density::std_normal: return 2 * kSum;
    case Density::normal:
    case Density::lognormal:
    case Density::uniform: return 5 * kSum;
    case Density::beta:
    case Density::neg_binomial:
    case Density::neg_binomial_2:
    case Density::neg_binomial_2_log: return gamma + 2 * kLog;
    case Density::bernoulli_logit:
    case Density::binomial_logit:
    case Density::logistic: return 2 * kLog;
    default: return gamma + kLog + 4 * kSum;
  }
}

class Counter {
 public:
  Counter(const FactorGraph& model, const Dependencies& dependencies, const Eligibility& eligibility)
      : model_(model),
        graph_(model.graph),
        dependencies_(dependencies),
        slots_(model.graph.slot_count()),
        leaf_(slots_, false),
        kept_(slots_, false),
        support_(slots_, 0),
        depth_(slots_, 0),
        reach_(slots_, 0) {
    for (const Ineligible& why : eligibility.why) eligible_.push_back(why.reason.empty());
    for (const Parameter& p : model.parameters)
      for (const Slot slot : p.value.slot) leaf_[slot] = slot != 0;
    for (std::size_t p = 0; p < eligible_.size(); ++p)
      if (!eligible_[p])
        for (const Slot slot : model.parameters[p].value.slot) kept_[slot] = slot != 0;
    find_owners(eligibility);
    multiplied_.assign(model.parameters.size(), false);
    for (std::size_t p = 0; p < model.parameters.size(); ++p)
      if (declared_unbounded(model.parameters[p]))
        for (const Slot slot : model.parameters[p].value.slot) unbounded_.emplace(slot, static_cast<int>(p));
    support({});
    touch({});
    reach({});
    out_.families.resize(model.parameters.size());
    for (const auto& plate : eligibility.plate) {
      if (plate == nullptr) continue;
      out_.families[static_cast<std::size_t>(plate->parameter)] = {family_ns(model, *plate), prior_varies(model, *plate)};
      for (const auto* lanes : {&plate->priors, &plate->children})
        for (const FamilyLane& lane : *lanes) family_[{lane.node, lane.lane}].push_back(plate->parameter);
      for (const auto& [slot, coefficient] : plate->terms) family_term_[slot] = plate->parameter;
      for (const Slot slot : model.parameters[static_cast<std::size_t>(plate->parameter)].log_jacobian)
        family_term_[slot] = plate->parameter;
    }
  }

  ModelCounts run() {
    for (const Node& node : graph_.nodes()) find_supports(node);
    find_priors();
    for (const Factor& factor : model_.factors) read(factor);
    for (const Term& term : model_.terms) need_term(term.slot);
    for (const Parameter& p : model_.parameters)
      for (const Slot slot : p.log_jacobian) need_term(slot);
    for (const BoundCheck& check : model_.bound_checks) need(check.difference, 0);
    for (std::size_t k = graph_.nodes().size(); k-- > 0;) reach_back(graph_.nodes()[k]);
    for (const auto& [key, sums] : work_)
      out_.work.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), sums.first, sums.second});
    for (const auto& [key, at] : row_order_) out_.rows[at] = rows_.at(key);
    return std::move(out_);
  }

 private:
  Slot operand(const Node& node, std::size_t k, std::size_t i) const {
    const Operand& list = graph_.operands(node)[k];
    return graph_.slot_of(list, list.size == 1 ? 0 : i);
  }

  template <class T>
  static std::uint32_t intern(std::vector<T>&& key, std::map<std::vector<T>, std::uint32_t>& index,
                              std::vector<std::vector<T>>& all) {
    const auto [place, is_new] = index.try_emplace(std::move(key), static_cast<std::uint32_t>(all.size()));
    if (is_new) all.push_back(place->first);
    return place->second;
  }
  std::uint32_t support(std::vector<Slot>&& atoms) { return intern(std::move(atoms), support_index_, out_.supports); }
  std::uint32_t touch(std::vector<int>&& parameters) { return intern(std::move(parameters), touch_index_, out_.touches); }
  std::uint32_t reach(std::vector<std::uint32_t>&& touches) { return intern(std::move(touches), reach_index_, out_.reaches); }

  template <class T>
  static std::vector<T> united(const std::vector<T>& a, const std::vector<T>& b) {
    std::vector<T> out;
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
    return out;
  }

  std::uint32_t unite_supports(std::uint32_t a, std::uint32_t b) {
    if (a == b || b == 0) return a;
    if (a == 0) return b;
    const auto key = std::minmax(a, b);
    const auto [place, is_new] = united_supports_.try_emplace({key.first, key.second}, 0);
    if (is_new) place->second = support(united(out_.supports[a], out_.supports[b]));
    return place->second;
  }

  std::uint32_t add_to_reach(std::uint32_t r, std::uint32_t t) {
    const auto [place, is_new] = grown_.try_emplace({r, t}, 0);
    if (is_new) {
      const bool always = t == 0 || (!out_.reaches[r].empty() && out_.reaches[r][0] == 0);
      place->second = always ? reach({0}) : reach(united(out_.reaches[r], {t}));
    }
    return place->second;
  }
  void need(Slot slot, std::uint32_t t) {
    if (slot != 0) reach_[slot] = add_to_reach(reach_[slot], t);
  }
  void need_as(Slot slot, std::uint32_t r) {
    if (slot == 0 || reach_[slot] == r) return;
    if (reach_[slot] == 0) {
      reach_[slot] = r;
      return;
    }
    for (const std::uint32_t t : std::vector<std::uint32_t>(out_.reaches[r])) need(slot, t);
  }

  // Range of operand places that lane i of a segmented or lane-wise node reads.
  std::pair<std::uint32_t, std::uint32_t> places(const Node& node, std::uint32_t lane) const {
    if (!segmented(node.op)) return {lane, lane + 1};
    return {graph_.segments(node)[lane], graph_.segments(node)[lane + 1]};
  }

  // Nodes made of one family parameter alone: not needed where that is integrated out.
  void find_owners(const Eligibility& eligibility) {
    owner_.assign(graph_.nodes().size(), -1);
    bool any = false;
    for (const auto& plate : eligibility.plate) {
      if (plate == nullptr) continue;
      const Parameter& parameter = model_.parameters[static_cast<std::size_t>(plate->parameter)];
      if (parameter.free_size > 0) owner_[graph_.node_of(parameter.free_first)] = plate->parameter;
      any = true;
    }
    if (!any) return;
    for (std::size_t k = 0; k < graph_.nodes().size(); ++k) {
      const Node& node = graph_.nodes()[k];
      int owner = -1;
      bool one = node.op != Op::constant && node.op != Op::parameter && node.op != Op::density;
      for (const Operand& list : graph_.operands(node))
        for (std::uint32_t i = 0; one && i < list.size; ++i) {
          const Slot s = graph_.slot_of(list, i);
          if (graph_.is_constant(s)) continue;
          const int of = owner_[graph_.node_of(s)];
          one = of >= 0 && (owner < 0 || owner == of);
          owner = of;
        }
      if (one && owner >= 0) owner_[k] = owner;
    }
  }

  // A parameter times what cannot be integrated out, as in z * sd: sampled with much data, its scale follows sd's inverse.
  void find_product(std::uint32_t a, std::uint32_t b) {
    if (a == 0 || b == 0 || !products_.insert({a, b}).second) return;
    for (const Slot y : out_.supports[b])
      if (const auto at = unbounded_.find(y); at != unbounded_.end() && eligible_[static_cast<std::size_t>(at->second)]) return;
    for (const Slot x : out_.supports[a])
      if (const auto at = unbounded_.find(x); at != unbounded_.end()) multiplied_[static_cast<std::size_t>(at->second)] = true;
  }

  void find_supports(const Node& node) {
    if (node.op == Op::constant) return;
    const std::size_t arity = node.arity;
    if (node.op == Op::parameter) {
      for (std::uint32_t i = 0; i < node.lanes; ++i) support_[node.first + i] = support({node.first + i});
      return;
    }
    const bool straight = linear(node.op);
    if (lane_wise(node.op) || segmented(node.op) || node.op == Op::density) {
      for (std::uint32_t i = 0; i < node.lanes; ++i) {
        const Slot slot = node.first + i;
        const auto [from, to] = places(node, i);
        std::uint32_t all = 0;
        int deep = 0;
        atoms_.clear();
        bool sorted = true;
        for (std::size_t o = 0; o < arity; ++o)
          for (std::uint32_t k = from; k < to; ++k) {
            const Slot s = operand(node, o, k);
            const std::uint32_t id = support_[s];
            if (node.op == Op::mul || node.op == Op::dot) find_product(id, support_[operand(node, 1 - o, k)]);
            deep = std::max(deep, depth_[s] + (straight && linear(graph_.nodes()[graph_.node_of(s)].op) ? 0 : 1));
            if (id == 0 || id == all) continue;
            if (!segmented(node.op)) {
              all = unite_supports(all, id);
              continue;
            }
            for (const Slot atom : out_.supports[id]) {
              sorted = sorted && (atoms_.empty() || atoms_.back() < atom);
              atoms_.push_back(atom);
            }
            all = id;
          }
        if (segmented(node.op) && !atoms_.empty()) {
          if (!sorted) {
            std::sort(atoms_.begin(), atoms_.end());
            atoms_.erase(std::unique(atoms_.begin(), atoms_.end()), atoms_.end());
          }
          all = support(std::vector<Slot>(atoms_));
        }
        depth_[slot] = deep;
        if (node.op == Op::density) continue;  // nothing is a combination of these
        support_[slot] = leaf_[slot] || (all != 0 && !straight) ? support({slot}) : all;
      }
      return;
    }
    // Whole lists. A triangular solve mixes columns of its second operand; what else there is makes atoms.
    std::uint32_t first = 0;
    int deep = 0;
    for (std::size_t o = 0; o < arity; ++o)
      for (std::uint32_t i = 0; i < graph_.operands(node)[o].size; ++i) {
        const Slot s = operand(node, o, i);
        deep = std::max(deep, depth_[s] + 1);
        if (o == 0 || !straight) first = unite_supports(first, support_[s]);
      }
    const bool solve = node.op == Op::solve_lower || node.op == Op::solve_lower_transposed;
    std::uint32_t column = first;
    for (std::uint32_t i = 0; i < node.lanes; ++i) {
      if (solve && i % node.rows == 0) {
        column = first;
        for (std::uint32_t k = i; k < i + node.rows; ++k) column = unite_supports(column, support_[operand(node, 1, k)]);
      }
      if (node.op == Op::cumulative_sum)
        column = i == 0 ? support_[operand(node, 0, 0)] : unite_supports(column, support_[operand(node, 0, i)]);
      const Slot slot = node.first + i;
      depth_[slot] = deep;
      support_[slot] = leaf_[slot] || (column != 0 && !straight) ? support({slot}) : column;
    }
  }

  static bool normal_like(Density family) {
    return family == Density::normal || family == Density::std_normal || family == Density::lognormal;
  }

  // Scales that are data times one scalar are that scalar.
  Slot bare_scale(Slot slot) const {
    for (;;) {
      if (graph_.is_constant(slot)) return 0;
      const Node& node = graph_.nodes()[graph_.node_of(slot)];
      if ((node.op != Op::mul && node.op != Op::div) || leaf_[slot]) return slot;
      const Slot a = operand(node, 0, slot - node.first), b = operand(node, 1, slot - node.first);
      if (graph_.is_constant(b))
        slot = a;
      else if (node.op == Op::mul && graph_.is_constant(a))
        slot = b;
      else
        return slot;
    }
  }

  bool refers_to(Slot slot, int p) const {
    const auto& parameters = dependencies_.of(slot).parameters;
    return std::binary_search(parameters.begin(), parameters.end(), p);
  }

  void find_priors() {
    std::map<Slot, int> owner(unbounded_.begin(), unbounded_.end());
    out_.priors.resize(model_.parameters.size());
    std::map<int, std::pair<std::size_t, bool>> seen;  // scalars with a prior; all usable
    for (const Factor& factor : model_.factors) {
      const Node& node = graph_.nodes()[factor.node];
      if (node.density != Density::normal && node.density != Density::std_normal) continue;
      for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
        const auto at = owner.find(operand(node, 0, lane));
        if (at == owner.end()) {
          if (node.density == Density::std_normal) find_correlated(operand(node, 0, lane), owner);
          continue;
        }
        const int p = at->second;
        auto& [count, good] = seen.try_emplace(p, 0, true).first->second;
        owner.erase(at);
        ++count;
        if (node.density == Density::std_normal) continue;
        const Slot location = operand(node, 1, lane), scale = operand(node, 2, lane);
        good = good && !refers_to(location, p) && !refers_to(scale, p);
        PriorFacts& prior = out_.priors[static_cast<std::size_t>(p)];
        if (!graph_.is_constant(scale)) prior.scale_varies = true;
        if (!graph_.is_constant(location)) prior.location_varies = true;
      }
    }
    for (std::size_t p = 0; p < multiplied_.size(); ++p) out_.priors[p].multiplied = multiplied_[p];
    for (const auto& [p, found] : seen)
      out_.priors[static_cast<std::size_t>(p)].complete =
          found.second && found.first == model_.parameters[static_cast<std::size_t>(p)].value.size();
  }

  // std_normal(L^-1 (z - l)): z has a prior whose scale varies where L does. It has no non-centred form here, so it is not
  // complete.
  void find_correlated(Slot r, const std::map<Slot, int>& owner) {
    const Node& node = graph_.nodes()[graph_.node_of(r)];
    if (node.op != Op::solve_lower) return;
    const std::uint32_t lane = r - node.first, row = lane % node.rows;
    Slot z = operand(node, 1, lane);
    const Node& residual = graph_.nodes()[graph_.node_of(z)];
    if (!leaf_[z] && residual.op == Op::sub) z = operand(residual, 0, z - residual.first);
    const auto at = owner.find(z);
    if (at != owner.end() && !graph_.is_constant(operand(node, 0, std::size_t{row} * node.rows + row)))
      out_.priors[static_cast<std::size_t>(at->second)].scale_varies = true;
  }

  // A term that goes with a family's parameter is not needed where that is eliminated.
  void need_term(Slot slot) {
    const auto found = family_term_.find(slot);
    need(slot, found == family_term_.end() ? 0 : touch({found->second}));
  }

  std::uint32_t touch_of_lane(std::uint32_t number, const Node& node, std::uint32_t lane) {
    const auto family = family_.find({number, lane});
    if (family != family_.end()) {
      std::vector<int> parameters = family->second;
      for (std::size_t k = 0; k < node.arity; ++k)
        for (const int p : dependencies_.of(operand(node, k, lane)).parameters)
          if (eligible_[static_cast<std::size_t>(p)]) parameters.push_back(p);
      std::sort(parameters.begin(), parameters.end());
      parameters.erase(std::unique(parameters.begin(), parameters.end()), parameters.end());
      return touch(std::move(parameters));
    }
    std::array<std::uint32_t, kMaxDensityArguments> key{};
    for (std::size_t k = 0; k < node.arity; ++k) key[k] = dependencies_.class_of(operand(node, k, lane));
    const auto [place, is_new] = touch_of_classes_.try_emplace(key, 0);
    if (is_new) {
      std::vector<int> parameters;
      for (const std::uint32_t id : key)
        for (const int p : dependencies_[id].parameters)
          if (eligible_[static_cast<std::size_t>(p)]) parameters.push_back(p);
      std::sort(parameters.begin(), parameters.end());
      parameters.erase(std::unique(parameters.begin(), parameters.end()), parameters.end());
      place->second = touch(std::move(parameters));
    }
    return place->second;
  }

  void read(const Factor& factor) {
    const Node& node = graph_.nodes()[factor.node];
    for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
      const bool normal = normal_like(node.density) && family_.count({factor.node, lane}) == 0;
      const std::uint32_t t = touch_of_lane(factor.node, node, lane);
      auto& [lanes, ns] =
          work_[{static_cast<int>(Op::count_) + static_cast<int>(node.density), depth_[node.first + lane], add_to_reach(0, t)}];
      ++lanes;
      unsigned varying = 0;
      for (std::size_t k = 0; k < node.arity; ++k)
        if (!graph_.is_constant(operand(node, k, lane))) varying |= 1u << k;
      ns += density_ns(node.density, varying) + gathers(node) * kGather;
      for (std::size_t k = 0; k < node.arity; ++k) {
        const Slot s = operand(node, k, lane);
        const bool with_row = normal ? k < 2 : t != 0 && support_[s] != 0;
        need(s, with_row ? t : 0);
      }
      if (t == 0) continue;
      if (!normal) continue;
      const Slot variate = operand(node, 0, lane);
      std::uint32_t all = support_[variate], rest = 0;
      if (node.density != Density::std_normal) all = unite_supports(all, rest = support_[operand(node, 1, lane)]);
      const bool prior = node.density != Density::lognormal && leaf_[variate] &&
                         !std::binary_search(out_.supports[rest].begin(), out_.supports[rest].end(), variate);
      const std::array<Slot, 3> key = {node.density == Density::std_normal ? 0 : bare_scale(operand(node, 2, lane)),
                                       prior ? variate : 0, all};
      const auto [place, is_new] = rows_.try_emplace(key);
      if (is_new) {
        place->second = {key[0], key[1], key[2], 0};
        row_order_[key] = out_.rows.size();
        out_.rows.emplace_back();
      }
      ++place->second.count;
    }
  }

  double gathers(const Node& node) const {
    double lists = 0;
    for (const Operand& list : graph_.operands(node)) lists += list.kind == Operand::Kind::list ? 1 : 0;
    return lists;
  }

  void reach_back(const Node& node) {
    if (node.op == Op::constant || node.op == Op::parameter || node.op == Op::density) return;
    const bool whole = !lane_wise(node.op) && !segmented(node.op);
    const double lists = gathers(node);
    std::uint32_t all = 0;
    for (std::uint32_t i = 0; i < node.lanes; ++i) {
      const Slot slot = node.first + i;
      if (reach_[slot] == 0) continue;
      // An atom is needed by whoever reads it, a row of the block included.
      const bool atom = !linear(node.op) || kept_[slot];
      const int owner = owner_[graph_.node_of(slot)];
      const std::uint32_t r = owner >= 0 ? add_to_reach(0, touch({owner})) : atom ? add_to_reach(0, 0) : reach_[slot];
      double ns = 0;
      if (whole) {
        const double n = node.rows;
        ns = node.op == Op::cholesky ? n * kSum : node.op == Op::softmax ? kLog : node.op == Op::cumulative_sum ? kSum : n * kSum;
        if (all == 0)
          all = r;
        else if (all != r)
          for (const std::uint32_t t : std::vector<std::uint32_t>(out_.reaches[r])) all = add_to_reach(all, t);
      } else {
        const auto [from, to] = places(node, i);
        const double each = segmented(node.op) ? (node.op == Op::log_sum_exp ? kLog : kSum) : lane_ns(node.op);
        ns = (each + (node.op == Op::dot ? kGather / 2 : lists * kGather)) * (to - from);
        for (std::size_t o = 0; o < node.arity; ++o)
          for (std::uint32_t k = from; k < to; ++k) need_as(operand(node, o, k), r);
      }
      auto& [lanes, sum] = work_[{static_cast<int>(node.op), depth_[slot], r}];
      ++lanes;
      sum += ns;
    }
    if (!whole || all == 0) return;
    for (std::size_t o = 0; o < node.arity; ++o)
      for (std::uint32_t i = 0; i < graph_.operands(node)[o].size; ++i) need_as(operand(node, o, i), all);
  }

  const FactorGraph& model_;
  const Graph& graph_;
  const Dependencies& dependencies_;
  const std::size_t slots_;
  ModelCounts out_;
  std::vector<bool> eligible_, leaf_, kept_;  // [parameters]; [slots] constrained scalars, and those always kept
  std::vector<bool> multiplied_;              // [parameters]
  std::vector<int> owner_;                    // [nodes] family parameter that alone makes it, or -1
  std::unordered_map<Slot, int> unbounded_;   // scalars of unbounded parameters: whose
  std::set<std::pair<std::uint32_t, std::uint32_t>> products_;  // pairs of supports seen
  std::vector<std::uint32_t> support_;
  std::vector<int> depth_;
  std::vector<std::uint32_t> reach_;
  std::vector<Slot> atoms_;
  std::map<std::vector<Slot>, std::uint32_t> support_index_;
  std::map<std::vector<int>, std::uint32_t> touch_index_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> reach_index_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> united_supports_, grown_;
  std::map<std::array<std::uint32_t, kMaxDensityArguments>, std::uint32_t> touch_of_classes_;
  std::map<std::tuple<int, int, std::uint32_t>, std::pair<double, double>> work_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<int>> family_;  // lanes of conjugate families: whose
  std::map<Slot, int> family_term_;
  std::map<std::array<Slot, 3>, RowKind> rows_;
  std::map<std::array<Slot, 3>, std::size_t> row_order_;
};

}  // namespace

ModelCounts count_structure(const FactorGraph& model, const Dependencies& dependencies, const Eligibility& eligibility) {
  return Counter(model, dependencies, eligibility).run();
}

}  // namespace tenfold::hmc_marg
