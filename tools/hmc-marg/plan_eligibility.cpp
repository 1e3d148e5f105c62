// Declarations, then factors in source order, then the rest of the target: the first obstacle found is the one reported.
#include "hmc-marg/plan_eligibility.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/stop.h"
#include "hmc-marg/conjugate_scan.h"

namespace tenfold::hmc_marg {

namespace {

std::string at_line(int line) { return line > 0 ? " at line " + std::to_string(line) : ""; }

constexpr std::size_t kBetweenLooks = 1 << 16;  // at the flag of an interruption

class Finder {
 public:
  Finder(const FactorGraph& model, const Dependencies& dependencies) : model_(model), dependencies_(dependencies), out_{} {
    out_.why.resize(model.parameters.size());
    lines_.resize(model.parameters.size());
  }

  Eligibility run() {
    for (std::size_t p = 0; p < model_.parameters.size(); ++p) declaration(static_cast<int>(p));
    for (std::size_t p = 0; p < model_.parameters.size(); ++p) others(static_cast<int>(p));
    for (std::size_t i = 0; i < model_.factors.size(); ++i) {
      if (i % kBetweenLooks == 0) leave_if_stopped();
      visit(model_.factors[i]);
    }
    for (const Term& term : model_.terms)
      block(dependencies_.class_of(term.slot), "leftover_target", "enters the target other than through a distribution",
            term.line);
    for (const BoundCheck& check : model_.bound_checks)
      if (dependencies_.class_of(check.difference) != 0 && !provably_nonnegative(model_.graph, check.difference))
        block(dependencies_.class_of(check.difference), check.truncation ? "family" : "tp_bound",
              check.truncation ? "is truncated" : "enters `" + check.name + "`, whose declared bound would have to be checked",
              check.line);
    families();
    keep_conflicts();
    for (std::size_t p = 0; p < model_.parameters.size(); ++p)
      out_.rule.push_back(!open(static_cast<int>(p)) ? ""
                          : out_.plate[p] != nullptr ? name_of(out_.plate[p]->family)
                                                     : "gaussian");
    for (const auto& lines : lines_) out_.lines.emplace_back(lines.begin(), lines.end());
    return std::move(out_);
  }

 private:
  const std::string& name(int p) const { return model_.parameters[static_cast<std::size_t>(p)].name; }
  bool open(int p) const { return out_.why[static_cast<std::size_t>(p)].reason.empty(); }

  void set(int p, const std::string& reason, const std::string& detail, int line) {
    Ineligible& why = out_.why[static_cast<std::size_t>(p)];
    if (!why.reason.empty()) {
      if (why.reason == reason && line > 0 && why.lines.size() < 8 &&
          std::find(why.lines.begin(), why.lines.end(), line) == why.lines.end())
        why.lines.push_back(line);
      return;
    }
    why.reason = reason;
    why.detail = "`" + name(p) + "` " + detail + at_line(line);
    if (line > 0) why.lines.push_back(line);
  }

  void block(std::uint32_t id, const std::string& reason, const std::string& detail, int line) {
    for (const int p : dependencies_[id].parameters) set(p, reason, detail, line);
  }

  void declaration(int p) {
    const Parameter& parameter = model_.parameters[static_cast<std::size_t>(p)];
    const int line = parameter.at.line;
    if (declared_unbounded(parameter)) {
      if (parameter.value.size() == 0) set(p, "empty", "has no elements", line);
      return;
    }
    switch (parameter.constraint) {
      case ConstraintKind::bounded: return set(p, "bounds", "is declared with bounds", line);
      case ConstraintKind::simplex: return set(p, "bounds", "is declared as a simplex", line);
      case ConstraintKind::ordered:
      case ConstraintKind::positive_ordered: return set(p, "bounds", "is declared as an ordered vector", line);
      case ConstraintKind::none:
      case ConstraintKind::affine: return set(p, "bounds", "is not a real, vector or matrix", line);
      default: return set(p, "bounds", "is declared as a constrained matrix", line);
    }
  }

  // Bounds, offsets, multipliers and Jacobians of one parameter that depend on another.
  void others(int p) {
    const Parameter& parameter = model_.parameters[static_cast<std::size_t>(p)];
    const int line = parameter.at.line;
    if (declared_unbounded(parameter)) {
      std::set<int> needed;
      for (const Slot slot : parameter.offset.slot)
        if (slot != 0)
          for (const int u : dependencies_.of(slot).parameters) needed.insert(u);
      for (const int u : needed) out_.needs.emplace_back(u, p);
      for (const Slot slot : parameter.offset.slot)
        if (slot != 0)
          for (const auto& [u, at] : dependencies_.of(slot).nonlinear)
            set(u, "nonlinear", "enters the offset of `" + parameter.name + "` other than linearly", at);
      for (const Slot slot : parameter.multiplier.slot)
        if (slot != 0) block(dependencies_.class_of(slot), "scale_of", "is in the multiplier of `" + parameter.name + "`", line);
      return;
    }
    for (const Slot slot : parameter.value.slot)
      if (slot != 0) block(dependencies_.class_of(slot), "bounds", "is in a bound of `" + parameter.name + "`", line);
    for (const Slot slot : parameter.log_jacobian)
      block(dependencies_.class_of(slot), "bounds", "is in a bound of `" + parameter.name + "`", line);
  }

  void visit(const Factor& factor) {
    const Graph& graph = model_.graph;
    const Node& node = graph.nodes()[factor.node];
    const auto operands = graph.operands(node);
    const std::string family(info(node.density).name);
    for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
      std::array<std::uint32_t, kMaxDensityArguments> c{};
      bool any = false;
      for (std::size_t k = 0; k < operands.size(); ++k) {
        c[k] = dependencies_.class_of(graph.slot_of(operands[k], operands[k].size == 1 ? 0 : lane));
        any = any || c[k] != 0;
      }
      if (!any || !seen_.insert({node.density, factor.line, c}).second) continue;
      const bool normal = node.density == Density::normal || node.density == Density::std_normal;
      if (!normal && node.density != Density::lognormal) {
        for (std::size_t k = 0; k < operands.size(); ++k)
          block(c[k], "family", "enters " + family + ", which is not normal,", factor.line);
        continue;
      }
      if (!normal) block(c[0], "family", "is what lognormal describes", factor.line);
      if (node.density != Density::std_normal) block(c[2], "scale_of", "is in the scale of " + family, factor.line);
      const std::size_t affine_arguments = node.density == Density::std_normal ? 1 : 2;
      for (std::size_t k = 0; k < affine_arguments; ++k) {
        for (const int p : dependencies_[c[k]].parameters) lines_[static_cast<std::size_t>(p)].insert(factor.line);
        for (const auto& [p, line] : dependencies_[c[k]].nonlinear)
          set(p, "nonlinear", "enters " + family + at_line(factor.line) + " through an operation that is not linear,",
              line > 0 ? line : factor.line);
        for (const Bilinear& pair : dependencies_[c[k]].bilinear)
          pairs_.push_back({{pair.u, pair.v, pair.line > 0 ? pair.line : factor.line}, false});
      }
    }
  }

  // Bounded parameters are eligible through a conjugate family alone.
  void families() {
    std::vector<bool> candidate;
    for (const Parameter& parameter : model_.parameters) candidate.push_back(declared_for_family(parameter));
    out_.plate.resize(model_.parameters.size());
    if (std::find(candidate.begin(), candidate.end(), true) == candidate.end()) return;
    const Dependencies bounded(model_, candidate);
    for (std::size_t i = 0; i < candidate.size(); ++i) {
      const int p = static_cast<int>(i);
      if (!candidate[i]) continue;
      FamilyFinding found = find_family(model_, bounded, dependencies_, p);
      out_.why[i] = {};
      if (found.plate == nullptr) {
        set(p, found.reason, found.detail, found.line);
        const int declared = model_.parameters[i].at.line;
        if (found.reason == "bounds" && declared > 0 && declared != found.line)
          out_.why[i].lines.insert(out_.why[i].lines.begin(), declared);
        continue;
      }
      for (const auto* lanes : {&found.plate->priors, &found.plate->children})
        for (const FamilyLane& lane : *lanes) lines_[i].insert(lane.line);
      for (const Bilinear& pair : found.meetings) pairs_.push_back({pair, true});
      out_.plate[i] = std::move(found.plate);
    }
  }

  void keep_conflicts() {
    std::sort(pairs_.begin(), pairs_.end());
    for (const Conflict& pair : pairs_) {
      if (!open(pair.u) || !open(pair.v)) continue;
      if (!out_.conflicts.empty() && out_.conflicts.back().u == pair.u && out_.conflicts.back().v == pair.v) continue;
      out_.conflicts.push_back(pair);
    }
  }

  const FactorGraph& model_;
  const Dependencies& dependencies_;
  Eligibility out_;
  std::vector<Conflict> pairs_;
  std::vector<std::set<int>> lines_;
  std::set<std::tuple<Density, int, std::array<std::uint32_t, kMaxDensityArguments>>> seen_;
};

}  // namespace

bool declared_unbounded(const Parameter& parameter) {
  if (parameter.type.base != Base::real && parameter.type.base != Base::vector && parameter.type.base != Base::row_vector &&
      parameter.type.base != Base::matrix)
    return false;
  if (parameter.constraint == ConstraintKind::bounded) return parameter.lower.size() == 0 && parameter.upper.size() == 0;
  return parameter.constraint == ConstraintKind::none || parameter.constraint == ConstraintKind::affine;
}

Eligibility find_eligible(const FactorGraph& model, const Dependencies& dependencies) {
  return Finder(model, dependencies).run();
}

}  // namespace tenfold::hmc_marg
