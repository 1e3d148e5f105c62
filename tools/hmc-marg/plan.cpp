// Eligibility, the user's wishes, the largest compatible set, the block; where its shape does not fit, one parameter less and
// again.
#include "hmc-marg/plan.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/error.h"
#include "base/suggest.h"
#include "hmc-marg/block_partition.h"
#include "hmc-marg/gaussian_block.h"
#include "hmc-marg/noncentred.h"
#include "hmc-marg/plan_choice.h"
#include "hmc-marg/plan_cost.h"
#include "hmc-marg/plan_eligibility.h"
#include "hmc-marg/plan_rows.h"
#include "hmc-marg/plan_search.h"

namespace tenfold::hmc_marg {

namespace {

std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> names;
  std::string name;
  for (const char c : list + ",") {
    if (c != ',') {
      if (c != ' ') name += c;
      continue;
    }
    if (!name.empty()) names.push_back(name);
    name.clear();
  }
  return names;
}

class Planner {
 public:
  // set: what `auto` takes instead of the cheapest; null: nothing is imposed.
  Planner(FactorGraph& model, const PlanOptions& options, const std::vector<int>* set)
      : model_(model), options_(options), set_(set) {}

  Marginal run() {
    const std::set<int> standard = options_.reparam == "none" || options_.reparam == "auto"
                                       ? std::set<int>{}
                                       : indices(split_list(options_.reparam), "--reparam");
    read_wishes();
    for (const int p : standard)
      if (named_.count(p) || required_.count(p))
        usage_error("`" + name(p) + "` is named by --reparam, which samples it, and by " +
                    (named_.count(p) ? "--marginalize" : "--require") + "; name it once");
    if (!standard.empty()) model_ = noncentred(model_, {standard.begin(), standard.end()});
    Marginal marginal = plan();
    if (options_.reparam != "auto") return marginal;
    std::vector<int> depending;
    for (const int p : marginal.kept) {
      const PriorFacts& prior = counts_.priors[static_cast<std::size_t>(p)];
      if (prior.complete && (prior.scale_varies || prior.location_varies) && !required_.count(p)) depending.push_back(p);
    }
    return rewrite(depending) ? plan() : marginal;
  }

 private:
  int count() const { return static_cast<int>(model_.parameters.size()); }
  const std::string& name(int p) const { return model_.parameters[static_cast<std::size_t>(p)].name; }
  Ineligible& why(int p) { return eligibility_.why[static_cast<std::size_t>(p)]; }
  bool open(int p) { return why(p).reason.empty(); }
  void close(int p, const std::string& reason, const std::string& detail) { why(p) = {reason, detail, {}}; }

  std::set<int> indices(const std::vector<std::string>& names, const std::string& flag) const {
    std::vector<std::string> known;
    for (const Parameter& parameter : model_.parameters) known.push_back(parameter.name);
    std::set<int> out;
    for (const std::string& wanted : names) {
      const auto place = std::find(known.begin(), known.end(), wanted);
      if (place == known.end()) {
        const std::string near = nearest(wanted, known);
        usage_error(flag + ": the program has no parameter `" + wanted + "`" +
                    (near.empty() ? "" : "; did you mean `" + near + "`?"));
      }
      out.insert(static_cast<int>(place - known.begin()));
    }
    return out;
  }

  void read_wishes() {
    const std::string& m = options_.marginalize;
    searched_ = m == "auto" || m == "all";
    from_file_ = options_.plan != "auto" && options_.plan != "race";
    if (from_file_) listed_ = "--plan " + options_.plan;
    if (!searched_ && m != "none") named_ = indices(split_list(m), listed_);
    if (!searched_ && m != "none" && named_.empty())
      usage_error(listed_ + ": names no parameter; give auto, all, none or a list of parameters");
    kept_ = indices(options_.keep, "--keep");
    required_ = indices(options_.require, "--require");
    for (const int p : kept_) {
      if (named_.count(p)) usage_error("`" + name(p) + "` is named by both --marginalize and --keep; name it once");
      if (required_.count(p)) usage_error("`" + name(p) + "` is named by both --require and --keep; name it once");
    }
  }

  // Those of `parameters` for which there is a non-centred form. False if none.
  bool rewrite(const std::vector<int>& parameters) {
    std::vector<int> good;
    for (const int p : parameters) {
      if (model_.parameters[static_cast<std::size_t>(p)].noncentred) continue;
      good.push_back(p);
    }
    if (good.empty()) return false;
    try {
      model_ = noncentred(model_, good);
      return true;
    } catch (const Error&) {  // one of them refers to itself: each alone
    }
    bool any = false;
    for (const int p : good) {
      try {
        model_ = noncentred(model_, {p});
        any = true;
      } catch (const Error&) {
      }
    }
    return any;
  }

  Marginal plan() {
    std::vector<bool> candidate;
    for (const Parameter& parameter : model_.parameters) candidate.push_back(declared_unbounded(parameter));
    const Dependencies dependencies(model_, candidate);
    eligibility_ = find_eligible(model_, dependencies);
    for (int p = 0; p < count(); ++p) {
      if (!open(p)) continue;
      if (model_.parameters[static_cast<std::size_t>(p)].noncentred)
        close(p, options_.reparam == "auto" && searched_ && !kept_.count(p) ? "cost" : "user",
              "`" + name(p) + "` is " + (kept_.count(p) ? "named by --keep and " : "") + "sampled as epsilon, by " +
                  (from_file_ ? options_.plan : "--reparam"));
      else if (kept_.count(p))
        close(p, "user", "`" + name(p) + "` is named by --keep");
      else if (!searched_ && !named_.count(p))
        close(p, "user", "`" + name(p) + "` is " + (from_file_ ? "sampled in " + options_.plan : "not named by --marginalize"));
    }
    for (const int p : named_) demand(p, named_, listed_);
    for (const int p : required_) demand(p, required_, "--require");
    counts_ = count_structure(model_, dependencies, eligibility_);
    const CostModel prices(model_, counts_, eligibility_, options_.compress, options_.reparam == "auto");
    for (;;) {
      std::vector<PlanAlternative> considered;
      const std::vector<int> chosen = set_ != nullptr                  ? imposed()
                                      : options_.marginalize == "auto" ? cheapest_set(prices, considered)
                                      : searched_                      ? choose()
                                                                       : std::vector<int>(named_.begin(), named_.end());
      for (const int p : required_)
        if (!std::binary_search(chosen.begin(), chosen.end(), p))
          infeasible_error("--require: " + entry(p, false, chosen).detail + "; leave it out");
      Marginal marginal = build(chosen);
      if (marginal.gaussian == nullptr || marginal.gaussian->partition.stuck.empty()) {
        marginal.cost = prices.of(as_set(chosen));
        if (considered.empty()) considered.push_back({chosen, marginal.cost});
        explain_costs(marginal, considered, prices, chosen);
        marginal.alternatives = std::move(considered);
        return marginal;
      }
      const int p = largest_part(*marginal.gaussian);
      const std::string why = crowding(p, static_cast<int>(marginal.gaussian->partition.stuck.size()));
      if (!searched_ || set_ != nullptr)
        infeasible_error((set_ != nullptr ? "--plan race" : listed_) + ": " + why + "; --marginalize auto or none still works");
      if (required_.count(p)) infeasible_error("--require: " + why + "; leave it out");
      close(p, "shape", why);
    }
  }

  std::string crowding(int p, int scalars) const {
    return "`" + name(p) + "` is in a block of " +
           (scalars > 0 ? std::to_string(scalars) + " coupled scalars" : "coupled scalars") + " that " +
           std::to_string(kMaxBorder) + " shared ones do not split into parts of at most " + std::to_string(kMaxComponent);
  }

  std::vector<bool> as_set(const std::vector<int>& chosen) const {
    std::vector<bool> set(model_.parameters.size(), false);
    for (const int p : chosen) set[static_cast<std::size_t>(p)] = true;
    return set;
  }

  std::vector<int> cheapest_set(const CostModel& prices, std::vector<PlanAlternative>& considered) {
    const Items items = usable();
    const auto parameters = [&](const std::vector<bool>& taken) {
      std::vector<int> out;
      for (std::size_t i = 0; i < taken.size(); ++i)
        if (taken[i]) out.push_back(items.parameter[i]);
      return out;
    };
    SearchSpace space{items.weight, items.conflicts, items.needs, {}};
    for (const int p : items.parameter) space.required.push_back(required_.count(p) != 0);
    const std::vector<PricedSet> priced = cheapest(space, [&](const std::vector<bool>& taken) {
      PlanCost cost = prices.of(as_set(parameters(taken)));
      if (cost.crowded >= 0) cost.crowded = items.of[static_cast<std::size_t>(cost.crowded)];
      return cost;
    });
    if (priced.empty()) {
      if (required_.empty()) return {};
      const int p = *required_.begin();
      infeasible_error("--require: " + crowding(p, 0) + "; leave it out");
    }
    for (std::size_t k = 0; k < priced.size() && k < kAlternatives; ++k)
      considered.push_back({parameters(priced[k].taken), priced[k].cost});
    return considered.front().eliminated;
  }

  // Whoever is kept without an obstacle is kept for its cost, or because a block with it has no shape.
  void explain_costs(Marginal& marginal, const std::vector<PlanAlternative>& considered, const CostModel& prices,
                     const std::vector<int>& chosen) {
    if (options_.marginalize != "auto") return;
    for (const int p : marginal.kept) {
      PlanEntry& entry = marginal.plan[static_cast<std::size_t>(p)];
      if (!open(p) || entry.reason != "cost") continue;
      std::vector<int> with = chosen;
      with.insert(std::upper_bound(with.begin(), with.end(), p), p);
      const PlanCost other = prices.of(as_set(with));
      entry.lines = {model_.parameters[static_cast<std::size_t>(p)].at.line};
      if (other.crowded >= 0) {
        entry.reason = "shape";
        entry.detail = crowding(p, 0);
        continue;
      }
      char text[160];
      std::snprintf(text, sizeof text, "could be integrated out, but the predicted cost would rise from %.3g to %.3g",
                    considered.front().cost.weighted(), other.weighted());
      entry.detail = "`" + entry.name + "` " + text;
    }
  }

  // A parameter that is asked for must be eligible, and all of them together.
  void demand(int p, const std::set<int>& wanted, const std::string& flag) {
    if (!open(p)) infeasible_error(flag + ": " + why(p).detail + "; leave it out");
    for (const Conflict& pair : eligibility_.conflicts) {
      if (pair.u != p && pair.v != p) continue;
      const int other = pair.u == p ? pair.v : pair.u;
      if (wanted.count(other))
        infeasible_error(flag + ": cannot integrate out `" + name(p) + "` together with `" + name(other) +
                         "`: " + (pair.same_factor ? "they enter one density" : "their product is formed") + " at line " +
                         std::to_string(pair.line) + "; leave one of them out");
    }
    for (const auto& [u, v] : eligibility_.needs)
      if (u == p && !open(v))
        infeasible_error(flag + ": cannot integrate out `" + name(u) + "`, the offset of `" + name(v) + "`, while `" + name(v) +
                         "` is kept; name both or neither");
  }

  // The parameters that may be chosen, as items of a search.
  struct Items {
    std::vector<int> parameter, weight, of;  // of: [parameters] item, or -1
    std::vector<std::pair<int, int>> conflicts, needs;
  };

  Items usable() {
    std::vector<bool> usable;
    for (int p = 0; p < count(); ++p) usable.push_back(open(p));
    for (bool changed = true; changed;) {  // an offset stays when its parameter does
      changed = false;
      for (const auto& [u, v] : eligibility_.needs) {
        if (!usable[static_cast<std::size_t>(u)] || usable[static_cast<std::size_t>(v)]) continue;
        usable[static_cast<std::size_t>(u)] = false;
        changed = true;
      }
    }
    for (const Conflict& pair : eligibility_.conflicts) {  // who conflicts with what is required stays
      const auto u = static_cast<std::size_t>(pair.u), v = static_cast<std::size_t>(pair.v);
      if (required_.count(pair.u)) usable[v] = false;
      if (required_.count(pair.v)) usable[u] = false;
    }
    Items items;
    items.of.assign(model_.parameters.size(), -1);
    for (int p = 0; p < count(); ++p) {
      if (!usable[static_cast<std::size_t>(p)]) continue;
      items.of[static_cast<std::size_t>(p)] = static_cast<int>(items.parameter.size());
      items.parameter.push_back(p);
      items.weight.push_back(static_cast<int>(model_.parameters[static_cast<std::size_t>(p)].free_size));
    }
    const auto item = [&](int p) { return items.of[static_cast<std::size_t>(p)]; };
    for (const Conflict& pair : eligibility_.conflicts)
      if (item(pair.u) >= 0 && item(pair.v) >= 0) items.conflicts.emplace_back(item(pair.u), item(pair.v));
    for (const auto& [u, v] : eligibility_.needs)
      if (item(u) >= 0 && item(v) >= 0) items.needs.emplace_back(item(u), item(v));
    return items;
  }

  // What is left of set_ once others are sampled as epsilon.
  std::vector<int> imposed() {
    const Items items = usable();
    std::vector<bool> taken;
    for (const int p : items.parameter) taken.push_back(std::binary_search(set_->begin(), set_->end(), p));
    const auto has = [&](int item) { return bool{taken[static_cast<std::size_t>(item)]}; };
    for (const auto& [u, v] : items.conflicts)
      if (has(u) && has(v)) taken[static_cast<std::size_t>(std::max(u, v))] = false;
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& [u, v] : items.needs)
        if (has(u) && !has(v)) {
          taken[static_cast<std::size_t>(u)] = false;
          changed = true;
        }
    }
    std::vector<int> chosen;
    for (std::size_t i = 0; i < taken.size(); ++i)
      if (taken[i]) chosen.push_back(items.parameter[i]);
    return chosen;
  }

  std::vector<int> choose() {
    const Items items = usable();
    const std::vector<bool> taken = largest_compatible(items.weight, items.conflicts, items.needs);
    std::vector<int> chosen;
    for (std::size_t i = 0; i < items.parameter.size(); ++i)
      if (taken[i]) chosen.push_back(items.parameter[i]);
    return chosen;
  }

  int largest_part(const BlockSystem& system) const {
    std::vector<int> scalars(model_.parameters.size(), 0);
    for (const std::int32_t z : system.partition.stuck)
      ++scalars[static_cast<std::size_t>(system.parameter[static_cast<std::size_t>(z)])];
    return static_cast<int>(std::max_element(scalars.begin(), scalars.end()) - scalars.begin());
  }

  Marginal build(const std::vector<int>& chosen) {
    Marginal marginal;
    std::vector<int> linear;
    std::vector<std::shared_ptr<const FamilyPlate>> plates;
    for (const int p : chosen) {
      const auto& plate = eligibility_.plate[static_cast<std::size_t>(p)];
      if (plate != nullptr)
        plates.push_back(plate);
      else
        linear.push_back(p);
    }
    if (linear.empty()) {
      marginal.target = joint_target(model_);
    } else {
      const auto system = make_block(model_, linear, options_.compress, marginal.target);
      marginal.gaussian = system;
      if (!system->partition.stuck.empty()) return marginal;
      const BlockPartition& partition = system->partition;
      BlockFacts facts;
      facts.shape = partition.border.empty() && partition.max_component <= 1 ? "D" : "B";
      facts.n = system->n;
      facts.border = static_cast<int>(partition.border.size());
      facts.components = static_cast<int>(partition.components.size());
      facts.max_component = partition.max_component;
      facts.rows = system->rows_before;
      facts.rows_compressed = static_cast<long>(system->rows.rows.size());
      facts.whitened = static_cast<int>(system->order.size());
      marginal.block = facts;
      marginal.target.factors.push_back(std::make_shared<GaussianBlock>(*system));
    }
    if (!plates.empty()) marginal.families = take_families(model_, plates, marginal.target);
    for (int p = 0; p < count(); ++p) {
      const bool eliminated = std::binary_search(chosen.begin(), chosen.end(), p);
      (eliminated ? marginal.eliminated : marginal.kept).push_back(p);
      marginal.plan.push_back(entry(p, eliminated, chosen));
    }
    return marginal;
  }

  PlanEntry entry(int p, bool eliminated, const std::vector<int>& chosen) {
    PlanEntry entry;
    entry.name = name(p);
    entry.size = static_cast<int>(model_.parameters[static_cast<std::size_t>(p)].value.size());
    entry.eliminated = eliminated;
    if (eliminated) {
      entry.rule = eligibility_.rule[static_cast<std::size_t>(p)];
      entry.detail = entry.rule == "gaussian" ? "enters normal densities, and only those, linearly"
                                              : "has a prior and densities that are conjugate to each other";
      entry.lines = eligibility_.lines[static_cast<std::size_t>(p)];
      return entry;
    }
    if (model_.parameters[static_cast<std::size_t>(p)].noncentred) entry.rule = "noncentred";
    if (!open(p)) {
      entry.reason = why(p).reason;
      entry.detail = why(p).detail;
      entry.lines = why(p).lines;
      return entry;
    }
    for (const Conflict& pair : eligibility_.conflicts) {
      const int other = pair.u == p ? pair.v : pair.v == p ? pair.u : -1;
      if (other < 0 || !std::binary_search(chosen.begin(), chosen.end(), other)) continue;
      entry.reason = pair.same_factor ? "conflict" : "bilinear_with " + name(other);
      entry.detail = "`" + entry.name + (pair.same_factor ? "` enters one density with `" : "` is multiplied by `") +
                     name(other) + "`, which is eliminated, at line " + std::to_string(pair.line);
      entry.lines = {pair.line};
      return entry;
    }
    entry.reason = options_.marginalize == "auto" ? "cost" : "conflict";
    for (const auto& [u, v] : eligibility_.needs)
      if (u == p && !std::binary_search(chosen.begin(), chosen.end(), v)) {
        entry.reason = "conflict";
        entry.detail = "`" + entry.name + "` is the offset of `" + name(v) + "`, which is kept";
        entry.lines = {model_.parameters[static_cast<std::size_t>(v)].at.line};
      }
    if (entry.detail.empty()) entry.detail = "`" + entry.name + "` cannot be eliminated together with what is";
    return entry;
  }

  static constexpr std::size_t kAlternatives = 8;

  FactorGraph& model_;
  const PlanOptions& options_;
  Eligibility eligibility_;
  ModelCounts counts_;
  const std::vector<int>* set_;
  bool searched_ = false;                  // auto, all: the set is ours to choose
  bool from_file_ = false;                 // named_ and what is sampled as epsilon come from the file options_.plan
  std::string listed_ = "--marginalize";   // what gave named_, for messages
  std::set<int> named_, kept_, required_;  // by --marginalize, --keep, --require
};

}  // namespace

Marginal marginalize(FactorGraph& model, const PlanOptions& options) { return Planner(model, options, nullptr).run(); }

Marginal marginalize(FactorGraph& model, const PlanOptions& options, const std::vector<int>& set) {
  return Planner(model, options, &set).run();
}

TargetSpec joint_target(const FactorGraph& model) {
  TargetSpec target;
  for (const Parameter& parameter : model.parameters) {
    for (std::uint32_t i = 0; i < parameter.free_size; ++i) target.inputs.push_back(parameter.free_first + i);
    for (const Slot slot : parameter.log_jacobian) target.terms.push_back({slot, 1, parameter.at.line});
  }
  for (const Factor& factor : model.factors) target.densities.push_back({factor.node, {}});
  target.terms.insert(target.terms.begin(), model.terms.begin(), model.terms.end());
  for (const BoundCheck& check : model.bound_checks) target.nonnegative.push_back(check.difference);
  target.constant = model.constant;
  return target;
}

std::size_t constrained_size(const FactorGraph& model, const std::vector<int>& parameters) {
  std::size_t size = 0;
  for (const int p : parameters) size += model.parameters[static_cast<std::size_t>(p)].value.size();
  return size;
}

}  // namespace tenfold::hmc_marg
