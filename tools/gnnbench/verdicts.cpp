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

std::string runs_text(std::size_t n) { return fmt::format("{} run{}", n, n == 1 ? "" : "s"); }

// "pipe@2 (0.0996 s)", "bns:0.1@2 (0.146 s, 1 of 2 runs got there)", "ns (1 of 5 runs got there)"
std::string with_median(const ComparedSystem& s) {
  std::string what = s.median_s ? number(*s.median_s) + " s" : "";
  if (s.reached < s.runs.size())
    what += fmt::format("{}{} of {} got there", what.empty() ? "" : ", ", s.reached, runs_text(s.runs.size()));
  return fmt::format("{} ({})", s.name, what);
}

// Our own systems beside the one with the smallest median, by what its pair with each shows.
struct Standing {
  const ComparedSystem* first = nullptr;
  std::vector<std::string> later, open, sooner;
};

Standing standing_of(const Comparison& c) {
  Standing out;
  std::size_t first = 0;
  for (std::size_t i = 0; i < c.systems.size(); ++i) {
    const ComparedSystem& s = c.systems[i];
    if (s.imported || !s.median_s || (out.first && *out.first->median_s <= *s.median_s)) continue;
    out.first = &s;
    first = i;
  }
  for (const SystemPair& pair : c.pairs) {
    if (!out.first || (pair.a != first && pair.b != first)) continue;
    const ComparedSystem& other = c.systems[pair.a == first ? pair.b : pair.a];
    if (other.imported) continue;
    const bool a_later = pair.time.shown && *pair.time.ratio > 1;
    auto& list = !pair.time.shown ? out.open : a_later == (pair.b == first) ? out.later : out.sooner;
    list.push_back(with_median(other));
  }
  return out;
}

std::string target_text(const Comparison& c) { return fmt::format("{} accuracy {:.4f}", part_name(c.measure.on), c.target); }

std::string target_says_nothing(const Comparison& c) {
  std::size_t runs = 0;
  double best = kUnknown, untrained = kUnknown;  // the highest of either
  for (const ComparedSystem& s : c.systems) {
    if (s.imported) continue;
    runs += s.runs.size();
    best = std::fmax(best, s.best);
    for (const RunRecord& run : s.runs)
      if (run.curve.front().update == 0)
        untrained = std::fmax(untrained, c.measure.on == Part::test ? run.curve.front().test : run.curve.front().val);
  }
  const std::string advice =
      best > untrained
          ? fmt::format("take a --target above {:.4f} (the best median over seeds is {:.4f})", untrained, best)
          : fmt::format("nor is any other --target worth asking about, as nothing got above their {:.4f}", untrained);
  return fmt::format(
      "The target, {}, says nothing about training: untrained weights reach it before the first update in {} of {}. Nothing is "
      "ranked; {}.",
      target_text(c), c.reached_untrained, runs_text(runs), advice);
}

// Ranks what pairs show and nothing else: medians alone order noise, too.
std::string who_was_first(const Comparison& c) {
  if (!c.target_tells()) return target_says_nothing(c);
  const Standing standing = standing_of(c);
  if (!standing.first) return "No system's median run reached " + target_text(c) + ".";
  const std::string median =
      fmt::format("median {} s of the {} clock{}", number(*standing.first->median_s), name_of(c.measure.clock),
                  standing.first->reached < standing.first->runs.size()
                      ? fmt::format(", {} of {} got there", standing.first->reached, runs_text(standing.first->runs.size()))
                      : "");
  const std::string &name = standing.first->name, what = target_text(c);
  const std::size_t pairs = own_pairs(c);
  if (pairs == 0) return fmt::format("{} reached {} ({}).", name, what, median);
  const std::string level =
      pairs == 1 ? "1 pair compared, at the 95 % level" : fmt::format("{} pairs compared, each at the 95 % level", pairs);
  const auto are = [](const std::vector<std::string>& list) { return list.size() == 1 ? "is" : "are"; };
  if (standing.open.empty() && standing.sooner.empty())
    return fmt::format("{} was first to {} ({}): {} {} shown to take longer ({}).", name, what, median, list_of(standing.later),
                       are(standing.later), level);
  std::string text = fmt::format("No system is shown to be first to {} ({}): ", what, level);
  text += standing.open.empty() ? fmt::format("of medians that of {} is the smallest ({})", name, median)
                                : fmt::format("no difference shown between {} ({}) and {}", name, median, list_of(standing.open));
  if (!standing.later.empty())
    text += fmt::format("; {} {} shown to take longer than {}", list_of(standing.later), are(standing.later), name);
  if (!standing.sooner.empty())
    text +=
        fmt::format("; seed by seed {} {} shown to take less time than {}", list_of(standing.sooner), are(standing.sooner), name);
  return text + ".";
}

void say_imported(const Comparison& c, std::vector<std::string>& out) {
  std::vector<std::string> names;
  for (const ComparedSystem& s : c.systems)
    if (s.imported) names.push_back(with_median(s));
  if (!names.empty())
    out.push_back(fmt::format("Imported, measured by {} and not ranked: {}.",
                              names.size() == 1 ? "a clock of its own" : "clocks of their own", list_of(names)));
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
  std::vector<std::string> reach;
  for (const ComparedSystem& baseline : c.baselines)
    if (2 * baseline.reached > baseline.runs.size()) reach.push_back(baseline.name);
  if (!reach.empty() && c.target_tells())
    out.push_back(fmt::format("{} {} the target, too: it asks for no more than what a baseline gives.", list_of(reach),
                              reach.size() == 1 ? "reaches" : "reach"));
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
  if (!ratio.ratio) {
    out.evidence = why_no_ratio(ratio, a, b);
    return out;
  }
  const bool larger = *ratio.ratio > 1;
  out.verdict = !ratio.shown ? ClaimVerdict::no_difference : larger == above ? ClaimVerdict::holds : ClaimVerdict::does_not_hold;
  const char* bound = ratio.kind == RatioKind::at_least ? "at least " : ratio.kind == RatioKind::at_most ? "at most " : "";
  out.evidence = fmt::format("{} of {} over {}: {}{}, {}", what, a, b, bound, number(*ratio.ratio), ratio_evidence(ratio));
  return out;
}

// Full-graph against mini-batch, by the headline's pair. Where the target says nothing there is none, and that is the evidence.
void claims_of_order(const Comparison& c, std::vector<Claim>& claims) {
  struct Order {
    const char* claim;
    const char* published;
    TimeRatio SystemPair::* ratio;
    bool above;
    const char* what;
  };
  constexpr Order kOrders[] = {{"mini-batch training is sooner at the target than full-graph training",
                                "2.4x to 15.2x (abstract)", &SystemPair::time, true, "time"},
                               {"full-graph training needs fewer updates", "", &SystemPair::updates, false, "updates"},
                               {"full-graph training needs more epochs", "", &SystemPair::epochs, true, "epochs"}};
  const bool both = !std::isnan(c.best_fg) && !std::isnan(c.best_mb);
  for (const Order& order : kOrders) {
    if (c.headline)
      claims.push_back(ratio_claim(order.claim, order.published, (*c.headline).*order.ratio, order.above,
                                   c.systems[c.headline->a].name, c.systems[c.headline->b].name, order.what));
    else if (both && !c.target_tells())
      claims.push_back({.claim = order.claim,
                        .published = order.published,
                        .evidence = "the target says nothing: untrained weights reach it"});
  }
}

std::optional<Claim> within_claim(std::string claim, std::string published, const ComparedSystem& a, const ComparedSystem& b,
                                  double margin) {
  const AccuracyGap gap = accuracy_gap(a, b);
  if (!gap.gap) return std::nullopt;
  Claim out{.claim = std::move(claim), .published = std::move(published), .evidence = {}};
  const stats::Interval& interval = gap.gap->interval;
  if (interval.low >= -margin && interval.high <= margin) out.verdict = ClaimVerdict::shown_within;
  if (interval.low > margin || interval.high < -margin) out.verdict = ClaimVerdict::shown_apart;
  out.evidence = fmt::format("{} less {} in test accuracy {}", a.name, b.name, gap_evidence(*gap.gap));
  return out;
}

}  // namespace

std::vector<std::string> verdicts(const Comparison& c) {
  std::vector<std::string> out;
  if (!c.systems.empty()) out.push_back(who_was_first(c));
  say_imported(c, out);
  say_headline(c, out);
  say_missed(c, out);
  say_unconverged(c, out);
  say_baselines(c, out);
  for (const FailedRun& run : c.failed)
    out.push_back(fmt::format("{} with seed {} failed and counts nowhere: {}.", run.system, run.seed, run.message));
  for (const auto& [system, why] : c.left_out) out.push_back(fmt::format("{} was left out: {}.", system, why));
  return out;
}

std::size_t own_pairs(const Comparison& c) {
  const auto own = static_cast<std::size_t>(
      std::count_if(c.systems.begin(), c.systems.end(), [](const ComparedSystem& s) { return !s.imported; }));
  return own * (own - 1) / 2;
}

const char* name_of(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::holds: return "holds";
    case ClaimVerdict::no_difference: return "no difference shown";
    case ClaimVerdict::does_not_hold: return "does not hold";
    case ClaimVerdict::shown_within: return "shown within";
    case ClaimVerdict::shown_apart: return "shown apart";
    case ClaimVerdict::not_shown: return "not shown";
  }
  return "";
}

std::vector<Claim> published_claims(const Comparison& c) {
  std::vector<Claim> claims;
  const auto method_of = [](const ComparedSystem& s) { return parse_system(s.runs.front().text).method; };
  claims_of_order(c, claims);
  if (c.headline) {
    const ComparedSystem &fg = c.systems[c.headline->a], &mb = c.systems[c.headline->b];
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
