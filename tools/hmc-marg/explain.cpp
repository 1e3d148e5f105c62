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
    std::string why = entry.eliminated ? "integrated out (" + entry.rule + "): " + entry.detail : entry.reason.empty() ? "sampled" : "sampled (" + entry.reason + "): " + entry.detail;
    // The sentence of a reason may name its line already.
    if (!entry.lines.empty() && why.find(fmt::format("line {}", entry.lines.front())) == std::string::npos) why += fmt::format(" ({} {})", entry.lines.size() == 1 ? "line" : "lines", fmt::join(entry.lines, ", "));
    text += fmt::format("  {:<{}}  {:>5}  {}\n", entry.name, width, entry.size, why);
  }
  const Dimensions d = dimensions(model.graph, marginal);
  text += fmt::format("  {} of {} dimensions are sampled", d.sampled, d.joint);
  if (marginal.block) {
    const BlockFacts& b = *marginal.block;
    text += fmt::format("; Gaussian block of {}: {} component{} of at most {}, border {}, {} rows compressed to {}", b.n, b.components,
                        b.components == 1 ? "" : "s", b.max_component, b.border, b.rows, b.rows_compressed);
  }
  return text + "\n";
}

}  // namespace tenfold::hmc_marg
