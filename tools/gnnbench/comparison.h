// Runs of several systems and seeds, compared: the target, each system's time to it, ratios of all pairs, who beats the
// baselines, and what may be said.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/json.h"
#include "gnnbench/run_record.h"
#include "gnnbench/train_options.h"
#include "gnnbench/tta.h"
#include "stats/interval.h"

namespace tenfold::gnnbench {

// An accuracy, or auto:f: f x min(best full-graph, best mini-batch), best over a family's systems of the median over seeds of a
// run's highest accuracy.
struct TargetRule {
  std::string text;
  bool automatic = false;
  double value = 0;  // the accuracy, or f
};
// Throws Error(usage): neither a number in [0, 1] nor auto:f with 0 < f <= 1.
TargetRule parse_target(std::string_view text);

// How runs are measured.
struct Measure {
  TargetRule target;
  Part on = Part::val;
  ClockKind clock = ClockKind::train;
};

struct ComparedSystem {
  std::string name;
  Family family = Family::baseline;
  bool imported = false;
  std::vector<RunRecord> runs;            // by seed
  std::vector<ReachTime> seconds, updates, epochs;  // a run each; those whose curve does not tell are absent
  std::vector<double> t_lo;               // of seconds: the evaluation before the one that reached it
  std::optional<double> median_s, median_updates, median_epochs;  // Kaplan and Meier
  std::size_t reached = 0;
  std::size_t reached_untrained = 0;      // of them before the first update
  double best = kUnknown;                 // median over runs of the highest accuracy on the target's part
  std::size_t converged = 0;
};

// Of test accuracies (at the best validation), seed by seed.
struct AccuracyGap {
  std::string a, b;
  std::optional<stats::PairedComparison> gap;  // a - b; nothing where no seed has both
  double mean_a = kUnknown, mean_b = kUnknown;
};

struct BaselineCheck {
  std::string system;
  std::vector<AccuracyGap> gaps;   // one a baseline that ran
  std::vector<std::string> not_beaten;
};

struct SystemPair {
  std::size_t a = 0, b = 0;  // of systems
  TimeRatio time, updates, epochs;
};

struct FailedRun {
  std::string system;
  std::uint64_t seed = 0;
  int exit_code = 0;
  std::string message;
};

struct Comparison {
  Measure measure;
  double target = kUnknown;
  double best_fg = kUnknown, best_mb = kUnknown;  // NaN: no such system
  std::vector<ComparedSystem> systems;    // as given, imported ones last
  std::vector<ComparedSystem> baselines;
  // Runs of our own systems that reached the target before their first update. If there are any, the target says nothing about
  // training: nothing is ranked, no ratio is given, and there is no headline.
  std::size_t reached_untrained = 0;
  std::vector<SystemPair> pairs;          // all pairs of systems
  std::optional<SystemPair> headline;     // fastest full-graph over fastest mini-batch system, by median
  std::vector<BaselineCheck> checks;      // of our own systems
  std::vector<std::string> protocol;      // how the runs' protocols differ
  std::vector<FailedRun> failed;
  std::vector<std::pair<std::string, std::string>> left_out;  // system, why

  bool target_tells() const { return reached_untrained == 0; }
};

// Systems appear in the order of their first run. `fixed_target`: as an earlier comparison of the same runs settled it. Throws
// Error(input) where no run of a system tells the accuracy that the target is about.
Comparison compare_runs(std::vector<RunRecord> runs, const Measure& measure, std::optional<double> fixed_target = {});

// Mean and 95 % interval of the runs' test accuracies; nothing where none is known.
std::optional<stats::MeanInterval> test_accuracy(const ComparedSystem& system);
AccuracyGap accuracy_gap(const ComparedSystem& a, const ComparedSystem& b);

// Whether all that --strict asks for holds; the reasons why not.
std::vector<std::string> strict_faults(const Comparison& comparison);

// verdict() of a pair's times; where the target says nothing, that.
std::string pair_verdict(const Comparison& comparison, const SystemPair& pair);

const char* name_of(ClockKind clock);

}  // namespace tenfold::gnnbench
