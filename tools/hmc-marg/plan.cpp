// Eligibility, the user's wishes, the largest compatible set, the block; where its shape does not fit, one parameter less and again.
#include "hmc-marg/plan.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/suggest.h"
#include "hmc-marg/block_partition.h"
#include "hmc-marg/gaussian_block.h"
#include "hmc-marg/plan_choice.h"
#include "hmc-marg/plan_eligibility.h"
#include "hmc-marg/plan_rows.h"

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
  Planner(FactorGraph& model, const PlanOptions& options) : model_(model), options_(options) {}

  Marginal run() {
    std::vector<bool> candidate;
    for (const Parameter& parameter : model_.parameters) candidate.push_back(declared_unbounded(parameter));
    const bool all = options_.marginalize == "all";
    const std::set<int> named = all || options_.marginalize == "none" ? std::set<int>{} : indices(split_list(options_.marginalize), "--marginalize");
    const std::set<int> kept = indices(options_.keep, "--keep");
    for (const int p : named)
      if (kept.count(p)) usage_error("`" + name(p) + "` is named by both --marginalize and --keep; name it once");
    eligibility_ = find_eligible(model_, Dependencies(model_, candidate));
    if (all) {
      for (const int p : kept)
        if (open(p)) close(p, "user", "`" + name(p) + "` is named by --keep");
    } else {
      for (int p = 0; p < count(); ++p)
        if (!named.count(p) && open(p)) close(p, "user", "`" + name(p) + "` is not named by --marginalize");
      for (const int p : named) demand(p);
    }
    for (;;) {
      std::vector<int> chosen = all ? choose() : std::vector<int>(named.begin(), named.end());
      Marginal marginal = build(chosen);
      if (marginal.gaussian == nullptr || marginal.gaussian->partition.stuck.empty()) return marginal;
      const int p = largest_part(*marginal.gaussian);
      const std::string why = "`" + name(p) + "` is in a block of " + std::to_string(marginal.gaussian->partition.stuck.size()) +
                              " coupled scalars that " + std::to_string(kMaxBorder) + " shared ones do not split into parts of at most " + std::to_string(kMaxComponent);
      if (!all) infeasible_error("--marginalize: " + why + "; --marginalize all or none still works");
      close(p, "shape", why);
    }
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
        usage_error(flag + ": the program has no parameter `" + wanted + "`" + (near.empty() ? "" : "; did you mean `" + near + "`?"));
      }
      out.insert(static_cast<int>(place - known.begin()));
    }
    return out;
  }

  // A parameter named by --marginalize must be eligible, and all of them together.
  void demand(int p) {
    if (!open(p)) infeasible_error("--marginalize: " + why(p).detail + "; leave it out");
    for (const Conflict& pair : eligibility_.conflicts) {
      if (pair.u != p && pair.v != p) continue;
      const int other = pair.u == p ? pair.v : pair.u;
      if (open(other))
        infeasible_error("--marginalize: cannot integrate out `" + name(p) + "` together with `" + name(other) + "`: " + (pair.same_factor ? "they enter one density" : "their product is formed") + " at line " +
                         std::to_string(pair.line) + "; leave one of them out");
    }
    for (const auto& [u, v] : eligibility_.needs)
      if (u == p && !open(v))
        infeasible_error("--marginalize: cannot integrate out `" + name(u) + "`, the offset of `" + name(v) + "`, while `" + name(v) + "` is kept; name both or neither");
  }

  std::vector<int> choose() {
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
    std::vector<int> items, weight, item_of(model_.parameters.size(), -1);
    for (int p = 0; p < count(); ++p) {
      if (!usable[static_cast<std::size_t>(p)]) continue;
      item_of[static_cast<std::size_t>(p)] = static_cast<int>(items.size());
      items.push_back(p);
      weight.push_back(static_cast<int>(model_.parameters[static_cast<std::size_t>(p)].free_size));
    }
    std::vector<std::pair<int, int>> conflicts, needs;
    const auto item = [&](int p) { return item_of[static_cast<std::size_t>(p)]; };
    for (const Conflict& pair : eligibility_.conflicts)
      if (item(pair.u) >= 0 && item(pair.v) >= 0) conflicts.emplace_back(item(pair.u), item(pair.v));
    for (const auto& [u, v] : eligibility_.needs)
      if (item(u) >= 0) needs.emplace_back(item(u), item(v));
    const std::vector<bool> taken = largest_compatible(weight, conflicts, needs);
    std::vector<int> chosen;
    for (std::size_t i = 0; i < items.size(); ++i)
      if (taken[i]) chosen.push_back(items[i]);
    return chosen;
  }

  int largest_part(const BlockSystem& system) const {
    std::vector<int> scalars(model_.parameters.size(), 0);
    for (const std::int32_t z : system.partition.stuck) ++scalars[static_cast<std::size_t>(system.parameter[static_cast<std::size_t>(z)])];
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
      entry.detail = entry.rule == "gaussian" ? "enters normal densities, and only those, linearly" : "has a prior and densities that are conjugate to each other";
      entry.lines = eligibility_.lines[static_cast<std::size_t>(p)];
      return entry;
    }
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
      entry.detail = "`" + entry.name + (pair.same_factor ? "` enters one density with `" : "` is multiplied by `") + name(other) + "`, which is eliminated, at line " + std::to_string(pair.line);
      entry.lines = {pair.line};
      return entry;
    }
    entry.reason = "conflict";
    for (const auto& [u, v] : eligibility_.needs)
      if (u == p) {
        entry.detail = "`" + entry.name + "` is the offset of `" + name(v) + "`, which is kept";
        entry.lines = {model_.parameters[static_cast<std::size_t>(v)].at.line};
      }
    if (entry.detail.empty()) entry.detail = "`" + entry.name + "` cannot be eliminated together with what is";
    return entry;
  }

  FactorGraph& model_;
  const PlanOptions& options_;
  Eligibility eligibility_;
};

}  // namespace

Marginal marginalize(FactorGraph& model, const PlanOptions& options) { return Planner(model, options).run(); }

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
