#include "gnnbench/verdicts.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "gnnbench/system_spec.h"
#include "report/report.h"

namespace tenfold::gnnbench {
namespace {

std::string number(double value) { return report::number_text(value, 3); }

// "a, b and c"
std::string list_of(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) out += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return out;
}

const char* part_name(Part part) { return part == Part::test ? "test" : "validation"; }

// Points of accuracy, as people say them.
std::string points(double share) { return fmt::format("{:.1f}", 100 * share); }

std::string gap_evidence(const stats::PairedComparison& gap) {
  const std::string n = fmt::format("{} seed{}", gap.n, gap.n == 1 ? "" : "s");
  if (gap.n < 2) return fmt::format("({} points, {})", points(gap.difference), n);
  return fmt::format("({} points, 95 % interval {} to {}, {})", points(gap.difference), points(gap.interval.low),
                     points(gap.interval.high), n);
}

std::string who_was_first(const Comparison& c) {
  std::vector<const ComparedSystem*> order;
  for (const ComparedSystem& s : c.systems)
    if (s.median_s) order.push_back(&s);
  const std::string what = fmt::format("{} accuracy {:.4f}", part_name(c.measure.on), c.target);
  if (order.empty()) return "No system's median run reached " + what + ".";
  std::stable_sort(order.begin(), order.end(),
                   [](const ComparedSystem* x, const ComparedSystem* y) { return *x->median_s < *y->median_s; });
  const std::string clock = order[0]->imported ? "its own" : std::string("the ") + name_of(c.measure.clock);
  std::string text =
      fmt::format("{} was first to {} (median {} s of {} clock)", order[0]->name, what, number(*order[0]->median_s), clock);
  std::vector<std::string> rest;
  for (std::size_t i = 1; i < order.size(); ++i)
    rest.push_back(fmt::format("{} {} s", order[i]->name, number(*order[i]->median_s)));
  return text + (rest.empty() ? "" : "; then " + list_of(rest)) + ".";
}

void say_headline(const Comparison& c, std::vector<std::string>& out) {
  if (!c.headline) return;
  const ComparedSystem &fg = c.systems[c.headline->a], &mb = c.systems[c.headline->b];
  out.push_back(
      "The fastest full-graph system against the fastest mini-batch one: " + verdict(c.headline->time, fg.name, mb.name) + ".");
  const AccuracyGap accuracy = accuracy_gap(fg, mb);
  if (!accuracy.gap) return;
  const stats::PairedComparison& gap = *accuracy.gap;
  const std::string levels = fmt::format("{} {:.3f}, {} {:.3f}", fg.name, accuracy.mean_a, mb.name, accuracy.mean_b);
  if (gap.shown)
    out.push_back(fmt::format("{} tests more accurately than {}: {} {}.", gap.difference > 0 ? fg.name : mb.name,
                              gap.difference > 0 ? mb.name : fg.name, levels, gap_evidence(gap)));
  else
    out.push_back(fmt::format("No difference shown in their test accuracies: {} {}.", levels, gap_evidence(gap)));
}

void say_missed(const Comparison& c, std::vector<std::string>& out) {
  for (const ComparedSystem& s : c.systems)
    if (s.reached < s.runs.size())
      out.push_back(fmt::format("{} missed the target in {} of {} runs (best {} accuracy, median over seeds, {:.4f}).", s.name,
                                s.runs.size() - s.reached, s.runs.size(), part_name(c.measure.on), s.best));
}

void say_unconverged(const Comparison& c, std::vector<std::string>& out) {
  std::vector<std::string> never, partly;
  std::size_t own = 0;
  for (const ComparedSystem& s : c.systems) {
    if (s.imported) continue;
    ++own;
    if (s.converged == 0)
      never.push_back(s.name);
    else if (s.converged < s.runs.size())
      partly.push_back(fmt::format("{} ({} of {} runs had)", s.name, s.converged, s.runs.size()));
  }
  if (own > 0 && never.size() == own) {
    out.emplace_back(
        "Nothing had converged when it ended: final accuracies are of this much training, not of the systems' limits.");
    return;
  }
  never.insert(never.end(), partly.begin(), partly.end());
  if (!never.empty()) out.push_back(list_of(never) + " had not converged: longer runs may change the order of accuracies.");
}

void say_baselines(const Comparison& c, std::vector<std::string>& out) {
  if (c.baselines.empty()) return;
  std::vector<std::string> names;
  for (const ComparedSystem& baseline : c.baselines) {
    const auto accuracy = test_accuracy(baseline);
    names.push_back(baseline.name + (accuracy ? fmt::format(" ({:.3f})", accuracy->mean) : ""));
  }
  bool any = false, tested = false;
  for (const BaselineCheck& check : c.checks) {
    tested =
        tested || std::any_of(check.gaps.begin(), check.gaps.end(), [](const AccuracyGap& gap) { return gap.gap.has_value(); });
    for (const AccuracyGap& gap : check.gaps) {
      if (std::find(check.not_beaten.begin(), check.not_beaten.end(), gap.b) == check.not_beaten.end()) continue;
      any = true;
      out.push_back(fmt::format("{} is not shown to beat {}: {:.3f} against {:.3f} {}.", check.system, gap.b, gap.mean_a,
                                gap.mean_b, gap_evidence(*gap.gap)));
    }
  }
  if (!any && tested)
    out.push_back(
        fmt::format("Every system beats {} in test accuracy.", names.size() == 2 ? "both " + list_of(names) : list_of(names)));
}

Claim ratio_claim(std::string claim, std::string published, const TimeRatio& ratio, bool above, const std::string& a,
                  const std::string& b, const char* what) {
  Claim out{.claim = std::move(claim), .published = std::move(published), .evidence = {}};
  const bool larger = ratio.ratio && *ratio.ratio > 1;
  if (ratio.shown) out.verdict = larger == above ? ClaimVerdict::holds : ClaimVerdict::does_not_hold;
  if (!ratio.ratio) {
    out.evidence = "no ratio: too many runs missed the target";
    return out;
  }
  const char* bound = ratio.kind == RatioKind::at_least ? "at least " : ratio.kind == RatioKind::at_most ? "at most " : "";
  std::string interval;
  if (ratio.low || ratio.high)
    interval =
        fmt::format(", 95 % interval {} to {}", ratio.low ? number(*ratio.low) : "-", ratio.high ? number(*ratio.high) : "-");
  out.evidence = fmt::format("{} of {} over {}: {}{}{}, {} seed{}", what, a, b, bound, number(*ratio.ratio), interval,
                             ratio.pairs, ratio.pairs == 1 ? "" : "s");
  return out;
}

std::optional<Claim> within_claim(std::string claim, std::string published, const ComparedSystem& a, const ComparedSystem& b,
                                  double margin) {
  const AccuracyGap gap = accuracy_gap(a, b);
  if (!gap.gap) return std::nullopt;
  Claim out{.claim = std::move(claim), .published = std::move(published), .evidence = {}};
  const stats::Interval& interval = gap.gap->interval;
  if (interval.low >= -margin && interval.high <= margin) out.verdict = ClaimVerdict::holds;
  if (interval.low > margin || interval.high < -margin) out.verdict = ClaimVerdict::does_not_hold;
  out.evidence = fmt::format("{} less {} in test accuracy {}", a.name, b.name, gap_evidence(*gap.gap));
  return out;
}

}  // namespace

std::vector<std::string> verdicts(const Comparison& c) {
  std::vector<std::string> out;
  if (!c.systems.empty()) out.push_back(who_was_first(c));
  say_headline(c, out);
  say_missed(c, out);
  say_unconverged(c, out);
  say_baselines(c, out);
  for (const FailedRun& run : c.failed)
    out.push_back(fmt::format("{} with seed {} failed and counts nowhere: {}.", run.system, run.seed, run.message));
  for (const auto& [system, why] : c.left_out) out.push_back(fmt::format("{} was left out: {}.", system, why));
  return out;
}

const char* name_of(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::holds: return "holds";
    case ClaimVerdict::no_difference: return "no difference shown";
    case ClaimVerdict::does_not_hold: return "does not hold";
  }
  return "";
}

std::vector<Claim> published_claims(const Comparison& c) {
  std::vector<Claim> claims;
  const auto method_of = [](const ComparedSystem& s) { return parse_system(s.runs.front().text).method; };
  if (c.headline) {
    const ComparedSystem &fg = c.systems[c.headline->a], &mb = c.systems[c.headline->b];
    claims.push_back(ratio_claim("mini-batch training is sooner at the target than full-graph training",
                                 "2.4x to 15.2x (abstract)", c.headline->time, true, fg.name, mb.name, "time"));
    claims.push_back(
        ratio_claim("full-graph training needs fewer updates", "", c.headline->updates, false, fg.name, mb.name, "updates"));
    claims.push_back(
        ratio_claim("full-graph training needs more epochs", "", c.headline->epochs, true, fg.name, mb.name, "epochs"));
    if (auto claim = within_claim("the two reach accuracies within 1.5 points of each other", "", fg, mb, 0.015))
      claims.push_back(std::move(*claim));
  }
  const auto sync = std::find_if(c.systems.begin(), c.systems.end(),
                                 [&](const ComparedSystem& s) { return !s.imported && method_of(s) == Method::sync; });
  if (sync == c.systems.end()) return claims;
  for (const ComparedSystem& s : c.systems) {
    if (s.imported || (method_of(s) != Method::pipe && method_of(s) != Method::bns)) continue;
    const char* paper = method_of(s) == Method::pipe ? "PipeGCN's paper" : "BNS-GCN's paper";
    if (auto claim = within_claim(s.name + " is within 1 point of " + sync->name, paper, s, *sync, 0.01))
      claims.push_back(std::move(*claim));
  }
  return claims;
}

}  // namespace tenfold::gnnbench
