// Tables, charts and sentences of a comparison.
#include "hmc-marg/compare_report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace tenfold::hmc_marg {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string cell(double x, int digits) { return std::isfinite(x) ? report::number_text(x, digits) : "-"; }

// "14500 (13900 to 15100)"
std::string with_interval(const stats::MeanInterval& m) {
  if (m.n < 2) return rate_text(m.mean);
  return fmt::format("{} ({} to {})", rate_text(m.mean), rate_text(m.interval.low), rate_text(m.interval.high));
}

report::Bar bar_of(const VariantMeans& means, const stats::MeanInterval& rate) {
  const bool interval = rate.n > 1;
  return {.label = means.model,
          .value = rate.mean,
          .low = interval ? rate.interval.low : kNaN,
          .high = interval ? rate.interval.high : kNaN,
          .group = means.variant};
}

const char* clause_text(ClauseKind kind) {
  switch (kind) {
    case ClauseKind::not_slower: return "auto at least as fast as none and reparam";
    case ClauseKind::eight_times: return "auto at least 8 times as fast";
    case ClauseKind::no_divergences: return "no divergences in auto";
  }
  return "";
}

std::string status_text(ClauseStatus status) {
  switch (status) {
    case ClauseStatus::holds: return "holds";
    case ClauseStatus::not_shown: return "neither shown nor refuted";
    case ClauseStatus::does_not_hold: return "does not hold";
    case ClauseStatus::not_run: return "not judged";
  }
  return "";
}

}  // namespace

report::Table variants_table(const std::vector<VariantMeans>& means) {
  report::Table table;
  table.title = "Variants";
  table.columns = {"model", "variant", "slowest", "sampled", "min ESS", "ESS/CPU s", "ESS/gradient", "divergent", "max R-hat"};
  for (const VariantMeans& m : means)
    table.rows.push_back({m.model, m.variant, m.slowest, std::to_string(m.sampled), fmt::format("{:.0f}", m.min_ess),
                          with_interval(m.per_cpu_s), with_interval(m.per_gradient), std::to_string(m.divergences),
                          cell(m.max_rhat, 4)});
  table.caption =
      "Means over seeds (rates: geometric ones, with 95 % intervals) of the smallest bulk ESS over lp__, sampled and recovered "
      "columns; CPU seconds and gradients hold warm-up, CPU seconds also recovery.";
  return table;
}

report::Table contrasts_table(const std::vector<Contrast>& contrasts) {
  report::Table table;
  table.title = "Gains";
  table.columns = {"model", "gain", "per CPU second", "per gradient", "seeds"};
  const bool cautions = std::any_of(contrasts.begin(), contrasts.end(), [](const Contrast& c) { return !c.caution.empty(); });
  if (cautions) table.columns.emplace_back("but");
  for (const Contrast& c : contrasts) {
    table.rows.push_back(
        {c.model, c.a + " over " + c.b, ratio_text(c.per_cpu_s), ratio_text(c.per_gradient), std::to_string(c.per_cpu_s.n)});
    if (cautions) table.rows.back().push_back(c.caution);
  }
  table.caption =
      "Ratios of the smallest effective sample size per unit of work, paired by seed: geometric mean and 95 % interval.";
  return table;
}

report::Table clauses_table(const std::vector<Clause>& clauses) {
  report::Table table;
  table.title = "What is claimed";
  table.columns = {"claim", "model", "verdict", ""};
  for (const ClauseKind kind : {ClauseKind::not_slower, ClauseKind::eight_times, ClauseKind::no_divergences})
    for (const Clause& c : clauses)
      if (c.kind == kind) table.rows.push_back({clause_text(kind), c.model, status_text(c.status), c.why});
  return table;
}

std::vector<report::Chart> rate_charts(const std::vector<VariantMeans>& means) {
  std::vector<report::Bar> cpu, gradient;
  for (const VariantMeans& m : means) {
    if (m.per_cpu_s.n > 0) cpu.push_back(bar_of(m, m.per_cpu_s));
    if (m.per_gradient.n > 0) gradient.push_back(bar_of(m, m.per_gradient));
  }
  const auto axes = [](const char* per) {
    return report::Axes{.x = fmt::format("smallest bulk ESS per {}, geometric mean and 95 % interval", per),
                        .y = "",
                        .log_x = true,
                        .log_y = false};
  };
  return {report::intervals("ess_per_cpu_s", "Effective draws per CPU second", cpu, axes("CPU second")),
          report::intervals("ess_per_gradient", "Effective draws per gradient", gradient, axes("gradient"))};
}

std::string model_sentence(const std::string& model, int joint, const std::vector<VariantMeans>& means,
                           const std::vector<Contrast>& contrasts) {
  std::string gains, reference;
  std::size_t seeds = 0;
  for (const Contrast& c : contrasts) {
    if (c.model != model) continue;
    reference = c.a;
    seeds = std::max(seeds, c.per_cpu_s.n);
    gains += fmt::format("{}against {} {}", gains.empty() ? "" : ", ", c.b, ratio_text(c.per_cpu_s));
  }
  std::string text = model + ": ";
  std::string diverged, apart;
  for (const VariantMeans& m : means) {
    if (m.model != model) continue;
    if (m.variant == reference || (reference.empty() && m.variant == kAuto))
      text += fmt::format("{} samples {} of {} dimensions; ", m.variant, m.sampled, joint);
    if (m.max_rhat > kApart) apart += fmt::format("{}{} (R-hat {:.2f})", apart.empty() ? "" : ", ", m.variant, m.max_rhat);
    if (m.divergences > 0) diverged += fmt::format("{}{} of {}", diverged.empty() ? "" : ", ", m.divergences, m.variant);
  }
  text += gains.empty() ? "nothing to hold it against"
                        : fmt::format("effective draws per CPU second over {} seed{} {}", seeds, seeds == 1 ? "" : "s", gains);
  if (!diverged.empty()) text += "; divergences: " + diverged;
  if (!apart.empty()) text += "; chains that disagree: " + apart;
  return text + ".";
}

std::string twin_sentence(const TwinCheck& c) {
  if (c.compared == 0) return "The twin has no column in common with the program: nothing says that it has its posterior.";
  if (c.difference_shown)
    return fmt::format(
        "The twin's means are not the program's: {} is off by {:.1f} joint standard errors, beyond {:.1f} of {} columns; it has "
        "another "
        "posterior, or chains that have not converged.",
        c.worst, c.max_abs_z, c.limit, c.compared);
  return fmt::format("The twin's means are those of the program, as far as its draws show: the largest of {} |z| is {:.1f}.",
                     c.compared, c.max_abs_z);
}

std::string claim_sentence(const std::string& claim, const std::vector<Clause>& clauses) {
  int held = 0, judged = 0;
  std::string broken, open, not_judged;
  const auto add = [](std::string& list, const Clause& c) {
    list += fmt::format("{}{} on {} ({})", list.empty() ? "" : "; ", clause_text(c.kind), c.model, c.why);
  };
  std::vector<std::pair<std::string, std::string>> reasons;  // of clauses not judged, by model
  for (const Clause& c : clauses) {
    held += c.status == ClauseStatus::holds;
    judged += c.status != ClauseStatus::not_run;
    if (c.status == ClauseStatus::does_not_hold) add(broken, c);
    if (c.status == ClauseStatus::not_shown) add(open, c);
    if (c.status == ClauseStatus::not_run &&
        std::find(reasons.begin(), reasons.end(), std::pair(c.model, c.why)) == reasons.end()) {
      reasons.emplace_back(c.model, c.why);
      not_judged += fmt::format("{}{} ({})", not_judged.empty() ? "" : "; ", c.model, c.why);
    }
  }
  const std::string of_judged =
      judged == 1 ? "the one clause that was judged" : fmt::format("the {} clauses that were judged", judged);
  std::string text;
  if (judged == 0)
    text = claim + " was not judged.";
  else if (!broken.empty())
    text = fmt::format("{} does not hold: {}.", claim, broken);
  else if (held == 0)
    text = fmt::format("{} is neither shown nor refuted in {}.", claim, of_judged);
  else if (held == judged)
    text = fmt::format("{} holds in {}.", claim, of_judged);
  else
    text = fmt::format("{} holds in {} of {}, and is not refuted.", claim, held, of_judged);
  if (!open.empty()) text += " Neither shown nor refuted: " + open + ".";
  if (!not_judged.empty()) text += " Not judged: " + not_judged + ".";
  return text;
}

}  // namespace tenfold::hmc_marg
