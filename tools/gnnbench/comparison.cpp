#include "gnnbench/comparison.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "gnnbench/curve.h"
#include "stats/quantile.h"

namespace tenfold::gnnbench {
namespace {

double clock_of(const RunPoint& p, ClockKind clock) {
  return clock == ClockKind::train ? p.train_s : clock == ClockKind::wall ? p.wall_s : p.cpu_s;
}

double metric_of(const RunPoint& p, Part on) { return on == Part::test ? p.test : p.val; }

std::vector<ComparedSystem> group(std::vector<RunRecord> runs) {
  std::vector<ComparedSystem> systems;
  for (RunRecord& run : runs) {
    auto found = std::find_if(systems.begin(), systems.end(), [&](const ComparedSystem& s) { return s.name == run.system; });
    if (found == systems.end()) {
      ComparedSystem fresh;
      fresh.name = run.system;
      fresh.family = run.family;
      fresh.imported = run.imported;
      found = systems.insert(systems.end(), std::move(fresh));
    }
    found->runs.push_back(std::move(run));
  }
  for (ComparedSystem& system : systems) {
    std::stable_sort(system.runs.begin(), system.runs.end(),
                     [](const RunRecord& x, const RunRecord& y) { return x.seed < y.seed; });
    system.converged = static_cast<std::size_t>(
        std::count_if(system.runs.begin(), system.runs.end(), [](const RunRecord& r) { return r.converged; }));
  }
  return systems;
}

// NaN where no run tells.
double best_of(const ComparedSystem& system, Part on) {
  std::vector<double> bests;
  for (const RunRecord& run : system.runs) {
    double best = kUnknown;
    for (const RunPoint& p : run.curve) best = std::fmax(best, metric_of(p, on));
    if (!std::isnan(best)) bests.push_back(best);
  }
  return stats::median(bests);
}

double best_of(const std::vector<ComparedSystem>& systems, Family family) {
  double best = kUnknown;
  for (const ComparedSystem& s : systems)
    if (!s.imported && s.family == family) best = std::fmax(best, s.best);
  return best;
}

double settle_target(const Comparison& c) {
  if (!c.measure.target.automatic) return c.measure.target.value;
  const double weaker = std::fmin(c.best_fg, c.best_mb);  // of one family alone, that one's
  if (std::isnan(weaker))
    input_error("no run tells the accuracy that the target is about; give another --target-on, or a number as --target");
  return c.measure.target.value * weaker;
}

void measure_times(ComparedSystem& system, const Comparison& c) {
  for (const RunRecord& run : system.runs) {
    std::vector<double> clock, metric;
    for (const RunPoint& p : run.curve) {
      clock.push_back(clock_of(p, c.measure.clock));
      metric.push_back(metric_of(p, c.measure.on));
    }
    if (std::all_of(metric.begin(), metric.end(), [](double m) { return std::isnan(m); })) continue;
    const std::optional<TargetTime> hit = time_to_target(clock, metric, c.target);
    const RunPoint& end = hit ? run.curve[hit->point] : run.curve.back();
    // Whatever the clock shows by then, nothing of it was spent on getting there.
    const bool untrained = hit && (end.update == 0 || (run.imported && hit->t_hi == 0));
    const auto add = [&](std::vector<ReachTime>& to, double when) {
      if (!std::isnan(when))
        to.push_back({.seed = run.seed, .time = untrained ? 0 : when, .reached = hit.has_value(), .untrained = untrained});
    };
    system.reached += hit.has_value();
    system.reached_untrained += untrained;
    if (std::isnan(clock_of(end, c.measure.clock))) continue;  // another program's CPU time, say
    add(system.seconds, clock_of(end, c.measure.clock));
    system.t_lo.push_back(untrained ? 0 : hit ? hit->t_lo : clock.back());
    add(system.updates, end.update);
    add(system.epochs, end.epoch);
  }
  system.median_s = median_time(system.seconds);
  system.median_updates = median_time(system.updates);
  system.median_epochs = median_time(system.epochs);
}

// Where the target says nothing, the seeds that do not show it are no fair choice of seeds: no ratio then.
TimeRatio ratio_of(const Comparison& c, const std::vector<ReachTime>& a, const std::vector<ReachTime>& b) {
  const TimeRatio ratio = time_ratio(a, b);
  if (c.target_tells()) return ratio;
  TimeRatio none;
  none.both_censored = ratio.both_censored;
  none.at_zero = ratio.at_zero;
  return none;
}

SystemPair pair_of(const Comparison& c, std::size_t a, std::size_t b) {
  const ComparedSystem &x = c.systems[a], &y = c.systems[b];
  return {.a = a,
          .b = b,
          .time = ratio_of(c, x.seconds, y.seconds),
          .updates = ratio_of(c, x.updates, y.updates),
          .epochs = ratio_of(c, x.epochs, y.epochs)};
}

// The family's system with the smallest median time; of those without a median the most accurate one.
std::optional<std::size_t> fastest(const std::vector<ComparedSystem>& systems, Family family) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < systems.size(); ++i) {
    const ComparedSystem& s = systems[i];
    if (s.imported || s.family != family) continue;
    if (!best) {
      best = i;
      continue;
    }
    const ComparedSystem& held = systems[*best];
    const bool quicker = s.median_s && (!held.median_s || *s.median_s < *held.median_s);
    const bool better = !s.median_s && !held.median_s && s.best > held.best;
    if (quicker || better) best = i;
  }
  return best;
}

// A baseline that draws nothing has one run, which stands for all seeds.
const RunRecord* run_of(const ComparedSystem& system, std::uint64_t seed) {
  if (system.family == Family::baseline && system.runs.size() == 1) return &system.runs.front();
  for (const RunRecord& run : system.runs)
    if (run.seed == seed) return &run;
  return nullptr;
}

BaselineCheck check_baselines(const ComparedSystem& system, const std::vector<ComparedSystem>& baselines) {
  BaselineCheck check;
  check.system = system.name;
  for (const ComparedSystem& baseline : baselines) {
    AccuracyGap gap = accuracy_gap(system, baseline);
    // One seed has no interval: there the sign decides.
    const bool beaten = gap.gap && (gap.gap->n == 1 ? gap.gap->difference > 0 : gap.gap->interval.low > 0);
    if (gap.gap && !beaten) check.not_beaten.push_back(baseline.name);
    check.gaps.push_back(std::move(gap));
  }
  return check;
}

std::vector<std::string> protocol_faults(const std::vector<ComparedSystem>& systems) {
  std::set<std::string> digests;
  bool foreign = false;
  for (const ComparedSystem& s : systems)
    for (const RunRecord& run : s.runs) {
      if (run.imported)
        foreign = true;
      else
        digests.insert(run.data_digest);
    }
  std::vector<std::string> faults;
  if (digests.size() > 1) faults.push_back("runs are of different data");
  if (foreign) faults.push_back("imported curves were measured by another program, on a clock and at points of its own");
  return faults;
}

}  // namespace

TargetRule parse_target(std::string_view text) {
  const auto number = [](std::string_view digits, double& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  TargetRule rule{.text = std::string(text), .automatic = text.starts_with("auto:")};
  const bool fits = rule.automatic ? number(text.substr(5), rule.value) && rule.value > 0 && rule.value <= 1
                                   : number(text, rule.value) && rule.value >= 0 && rule.value <= 1;
  if (!fits)
    usage_error(
        fmt::format("--target {}: an accuracy from 0 to 1, or auto:f with f above 0 and at most 1, as in auto:0.99", text));
  return rule;
}

AccuracyGap accuracy_gap(const ComparedSystem& a, const ComparedSystem& b) {
  AccuracyGap out{.a = a.name, .b = b.name, .gap = std::nullopt};
  std::vector<double> left, right;
  for (const RunRecord& run : a.runs) {
    const RunRecord* other = run_of(b, run.seed);
    if (!other || std::isnan(run.test) || std::isnan(other->test)) continue;
    left.push_back(run.test);
    right.push_back(other->test);
  }
  if (left.empty()) return out;
  out.gap = stats::compare_paired(left, right);
  out.mean_a = stats::mean_interval(left).mean;
  out.mean_b = stats::mean_interval(right).mean;
  return out;
}

std::optional<stats::MeanInterval> test_accuracy(const ComparedSystem& system) {
  std::vector<double> values;
  for (const RunRecord& run : system.runs)
    if (!std::isnan(run.test)) values.push_back(run.test);
  if (values.empty()) return std::nullopt;
  return stats::mean_interval(values);
}

Comparison compare_runs(std::vector<RunRecord> runs, const Measure& measure, std::optional<double> fixed_target) {
  Comparison c;
  c.measure = measure;
  for (ComparedSystem& system : group(std::move(runs))) {
    system.best = best_of(system, measure.on);
    (!system.imported && system.family == Family::baseline ? c.baselines : c.systems).push_back(std::move(system));
  }
  std::stable_partition(c.systems.begin(), c.systems.end(), [](const ComparedSystem& s) { return !s.imported; });
  c.best_fg = best_of(c.systems, Family::full_graph);
  c.best_mb = best_of(c.systems, Family::mini_batch);
  c.target = fixed_target ? *fixed_target : settle_target(c);
  for (auto* list : {&c.systems, &c.baselines})
    for (ComparedSystem& system : *list) measure_times(system, c);
  for (const ComparedSystem& system : c.systems)
    if (!system.imported) c.reached_untrained += system.reached_untrained;

  for (std::size_t a = 0; a < c.systems.size(); ++a)
    for (std::size_t b = a + 1; b < c.systems.size(); ++b) c.pairs.push_back(pair_of(c, a, b));
  const auto fg = fastest(c.systems, Family::full_graph), mb = fastest(c.systems, Family::mini_batch);
  if (fg && mb && c.target_tells()) c.headline = pair_of(c, *fg, *mb);
  for (const ComparedSystem& system : c.systems)
    if (!system.imported) c.checks.push_back(check_baselines(system, c.baselines));
  c.protocol = protocol_faults(c.systems);
  return c;
}

std::string pair_verdict(const Comparison& c, const SystemPair& pair) {
  if (!c.target_tells()) return "the target says nothing: untrained weights reach it";
  return verdict(pair.time, c.systems[pair.a].name, c.systems[pair.b].name);
}

std::vector<std::string> strict_faults(const Comparison& c) {
  std::vector<std::string> faults;
  if (!c.target_tells())
    faults.push_back(fmt::format("untrained weights reached the target in {} run{}", c.reached_untrained,
                                 c.reached_untrained == 1 ? "" : "s"));
  for (const ComparedSystem& s : c.systems)
    if (s.reached < s.runs.size())
      faults.push_back(fmt::format("{} missed the target in {} of {} runs", s.name, s.runs.size() - s.reached, s.runs.size()));
  for (const BaselineCheck& check : c.checks)
    for (const std::string& baseline : check.not_beaten)
      faults.push_back(fmt::format("{} is not shown to beat {}", check.system, baseline));
  faults.insert(faults.end(), c.protocol.begin(), c.protocol.end());
  for (const FailedRun& run : c.failed) faults.push_back(fmt::format("{} failed with seed {}", run.system, run.seed));
  return faults;
}

const char* name_of(ClockKind clock) { return clock == ClockKind::train ? "train" : clock == ClockKind::wall ? "wall" : "cpu"; }

}  // namespace tenfold::gnnbench
