// The plan in words and as JSON.
#include "hmc-marg/explain.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tenfold::hmc_marg {

Json plan_json(const Marginal& marginal) {
  Json out = Json::array();
  const auto text = [](const std::string& s) { return s.empty() ? Json(nullptr) : Json(s); };
  for (const PlanEntry& entry : marginal.plan)
    out.push_back({{"name", entry.name},
                   {"size", entry.size},
                   {"status", entry.eliminated ? "eliminated" : "sampled"},
                   {"rule", text(entry.rule)},
                   {"reason", text(entry.reason)},
                   {"detail", text(entry.detail)},
                   {"lines", entry.lines}});
  return out;
}

Json block_json(const Marginal& marginal) {
  if (!marginal.block) return nullptr;
  const BlockFacts& b = *marginal.block;
  return {{"shape", b.shape},
          {"n", b.n},
          {"border", b.border},
          {"components", b.components},
          {"max_component", b.max_component},
          {"whitened", b.whitened},
          {"rows", b.rows},
          {"rows_compressed", b.rows_compressed}};
}

namespace {

std::vector<std::string> names_of(const FactorGraph& graph, const std::vector<int>& parameters) {
  std::vector<std::string> names;
  for (const int p : parameters) names.push_back(graph.parameters[static_cast<std::size_t>(p)].name);
  return names;
}

}  // namespace

Json cost_json(const PlanCost& cost) {
  Json terms = Json::array();
  for (const CostTerm& term : cost.terms) terms.push_back({{"name", term.name}, {"count", term.count}, {"ns", term.ns}});
  return {{"ns", cost.ns}, {"terms", terms}, {"sampled", cost.sampled}, {"funnel", cost.funnel}, {"weighted", cost.weighted()}};
}

Json alternatives_json(const FactorGraph& graph, const Marginal& marginal) {
  Json out = Json::array();
  for (const PlanAlternative& a : marginal.alternatives)
    out.push_back({{"eliminated", names_of(graph, a.eliminated)},
                   {"sampled", a.cost.sampled},
                   {"ns", a.cost.ns},
                   {"funnel", a.cost.funnel},
                   {"weighted", a.cost.weighted()},
                   {"taken", a.eliminated == marginal.eliminated}});
  return out;
}

Json race_json(const FactorGraph& graph, const Marginal& marginal) {
  if (marginal.race.empty()) return nullptr;
  Json out = Json::array();
  const auto text = [](const std::string& s) { return s.empty() ? Json(nullptr) : Json(s); };
  for (const RaceEntry& entry : marginal.race)
    out.push_back({{"eliminated", names_of(graph, entry.eliminated)},
                   {"won", entry.won},
                   {"min_ess", entry.min_ess > 0 ? Json(entry.min_ess) : Json(nullptr)},
                   {"column", text(entry.column)},
                   {"leapfrogs", entry.leapfrogs},
                   {"divergences", entry.divergences},
                   {"ns", entry.ns},
                   {"min_ess_per_predicted_s", entry.rate()},
                   {"failed", text(entry.failed)}});
  return out;
}

std::string race_text(const FactorGraph& graph, const Marginal& marginal) {
  std::string text;
  for (const RaceEntry& entry : marginal.race) {
    const std::vector<std::string> names = names_of(graph, entry.eliminated);
    const std::string set = names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "));
    text += text.empty() ? "  race, by effective draws per predicted second:\n" : "";
    text += entry.failed.empty()
                ? fmt::format("  {} {:>10.3g}  min ESS {:.0f} in {} gradients, {} divergent: {}\n", entry.won ? "*" : " ",
                              entry.rate(), entry.min_ess, entry.leapfrogs, entry.divergences, set)
                : fmt::format("  {} did not start ({}): {}\n", entry.won ? "*" : " ", entry.failed, set);
  }
  return text;
}

std::string cost_text(const FactorGraph& graph, const Marginal& marginal) {
  std::string parts;
  for (const CostTerm& term : marginal.cost.terms)
    if (term.ns > 0) parts += fmt::format("{}{} {:.0f}", parts.empty() ? "" : ", ", term.name, term.ns);
  std::string text = fmt::format("  predicted gradient {:.0f} ns ({})\n", marginal.cost.ns, parts);
  if (marginal.alternatives.size() < 2) return text + race_text(graph, marginal);
  text += "  considered, by ns * (dimensions + 1)^(1/4), times 8 where a funnel is left:\n";
  for (const PlanAlternative& a : marginal.alternatives) {
    const std::vector<std::string> names = names_of(graph, a.eliminated);
    text += fmt::format("  {} {:>10.3g}  {:>8.0f} ns, {:>5} sampled{}: {}\n", a.eliminated == marginal.eliminated ? "*" : " ",
                        a.cost.weighted(), a.cost.ns, a.cost.sampled, a.cost.funnel ? ", a funnel" : "",
                        names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", ")));
  }
  return text + race_text(graph, marginal);
}

Dimensions dimensions(const FactorGraph& graph, const Marginal& marginal) {
  Dimensions d;
  d.joint = graph.free_size;
  d.sampled = static_cast<int>(marginal.target.inputs.size());
  d.eliminated = d.joint - d.sampled;
  return d;
}

std::string plan_text(const Model& model, const Marginal& marginal) {
  std::size_t width = 4;
  for (const PlanEntry& entry : marginal.plan) width = std::max(width, entry.name.size());
  std::string text;
  for (const PlanEntry& entry : marginal.plan) {
    std::string why = entry.eliminated       ? "integrated out (" + entry.rule + "): " + entry.detail
                      : entry.reason.empty() ? std::string("sampled")
                                             : (entry.rule == "noncentred" ? "sampled as epsilon (" : "sampled (") +
                                                   entry.reason + "): " + entry.detail;
    // The sentence of a reason may name its line already.
    if (!entry.lines.empty() && why.find(fmt::format("line {}", entry.lines.front())) == std::string::npos)
      why += fmt::format(" ({} {})", entry.lines.size() == 1 ? "line" : "lines", fmt::join(entry.lines, ", "));
    text += fmt::format("  {:<{}}  {:>5}  {}\n", entry.name, width, entry.size, why);
  }
  const Dimensions d = dimensions(model.graph, marginal);
  text += fmt::format("  {} of {} dimensions are sampled", d.sampled, d.joint);
  if (marginal.block) {
    const BlockFacts& b = *marginal.block;
    text += fmt::format("; Gaussian block of {}: {} component{} of at most {}, border {}, {} rows compressed to {}", b.n,
                        b.components, b.components == 1 ? "" : "s", b.max_component, b.border, b.rows, b.rows_compressed);
  }
  return text + "\n";
}

}  // namespace tenfold::hmc_marg
