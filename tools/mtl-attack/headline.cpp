#include "mtl-attack/headline.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "mtl-attack/bootstrap.h"
#include "mtl-attack/damage.h"
#include "report/report.h"

namespace tenfold::mtl_attack {
namespace {

double number(const Json& value) { return value.is_number() ? value.get<double>() : std::nan(""); }

std::string text(double value) { return report::number_text(value, 3); }

// "seg", "seg and depth", "seg, depth and normal".
std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t k = 0; k < names.size(); ++k) out += (k == 0 ? "" : k + 1 == names.size() ? " and " : ", ") + names[k];
  return out;
}

// The mean over images of the mean r over these tasks, each image by itself.
Estimate change_of(const CellOutcome& outcome, const std::vector<bool>& wanted, std::uint64_t seed) {
  std::vector<double> means;
  for (const ImageRecord& record : outcome.records) {
    if (!record.failure.empty()) continue;
    std::vector<double> own;
    for (std::size_t t = 0; t < wanted.size(); ++t)
      if (wanted[t]) own.push_back(record.r[t]);
    const double mean = mean_present(own);
    if (!std::isnan(mean)) means.push_back(mean);
  }
  return bootstrap_mean(means, seed, outcome.cell.name + " attacked");
}

}  // namespace

std::vector<bool> attacked_tasks(const Rule& rule, std::size_t tasks) {
  std::vector<bool> out(tasks, rule.kind != RuleKind::single);
  if (rule.kind == RuleKind::single) out[static_cast<std::size_t>(rule.task)] = true;
  for (std::size_t t = 0; t < tasks && rule.kind == RuleKind::protect; ++t) out[t] = !rule.protect[t];
  return out;
}

std::string cell_sentence(const CellOutcome& outcome, const Json& cell, const std::vector<std::string>& tasks,
                          std::uint64_t seed) {
  const std::vector<bool> wanted = attacked_tasks(outcome.cell.plan.rule, tasks.size());
  const Estimate change = change_of(outcome, wanted, seed);
  std::vector<std::string> attacked, others;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    if (wanted[t]) {
      attacked.push_back(tasks[t]);
    } else {
      const double mean = number(cell["tasks"][tasks[t]]["rel_change_mean"]);
      others.push_back(fmt::format("{} by {}{}", tasks[t], mean > 0 ? "+" : "", text(mean)));
    }
  }
  const std::string whose = others.empty()         ? "the tasks' losses"
                            : attacked.size() == 1 ? "the loss of " + attacked.front()
                                                   : "the losses of " + listed(attacked);
  const std::string attack =
      cell["attack"] == "fgsm" ? "fgsm" : fmt::format("{}-{}", cell["attack"].get<std::string>(), cell["steps"].dump());
  std::string out = fmt::format(
      "Changing no pixel by more than {} of 255 grey levels, {} with rule {} {} {} by {} times {} clean value",
      text(number(cell["eps_levels"])), attack, cell["rule"].get<std::string>(), change.mean < 0 ? "lowers" : "raises", whose,
      text(std::abs(change.mean)), !others.empty() && attacked.size() == 1 ? "its" : "their");
  out += change.n > 1
             ? fmt::format(" on average over {} images (95 % interval {} to {})", change.n, text(change.low), text(change.high))
             : std::string(" on one image");
  if (!others.empty())
    out += fmt::format("; {} changed: {}", outcome.cell.plan.rule.kind == RuleKind::protect ? "what it protects" : "the others",
                       listed(others));
  return out + ".";
}

}  // namespace tenfold::mtl_attack
