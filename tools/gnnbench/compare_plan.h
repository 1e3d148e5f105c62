// What a comparison is going to run: systems and baselines by seed, each a `train` of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data/json.h"
#include "gnnbench/comparison.h"
#include "gnnbench/dataset.h"
#include "gnnbench/train_options.h"

namespace tenfold::gnnbench {

struct ComparisonTask {
  TrainOptions train;                    // what all systems share; their own options win
  std::vector<std::string> systems;      // as typed
  std::vector<std::string> baselines;    // mlp, labelprop
  int seeds = 5;                         // first_seed, first_seed + 1, ...
  std::uint64_t first_seed = 1;
  Measure measure;
  bool strict = false;
};

struct PlannedSystem {
  std::string name;   // in reports: without its own options, unless two systems differ by them alone
  std::string text;   // the whole word
  TrainPlan plan;
  std::int64_t evaluations = 0;  // of a run that goes to its end
  std::uint64_t planned_bytes = 0;  // of one worker, by memory_plan.h
};

struct PlannedRun {
  std::string system, text;
  std::uint64_t seed = 0;
  std::string folder;  // "runs/ns-5-5-1", relative to the comparison's
  std::vector<std::string> arguments;  // of `train`, of training_arguments()
};

struct ComparisonPlan {
  std::vector<PlannedSystem> systems;    // baselines last
  std::vector<PlannedRun> runs;          // seed by seed, so that what changes over time changes for all systems alike
  std::vector<std::pair<std::string, std::string>> left_out;
};

// Throws Error(usage): unknown systems, a system twice, options that do not fit. Systems of several workers are left out where
// they need mpirun and it is not there.
ComparisonPlan plan_comparison(const ComparisonTask& task, const Dataset& data);

Json plan_json(const ComparisonPlan& plan, const ComparisonTask& task);
// A line a system.
std::vector<std::string> plan_lines(const ComparisonPlan& plan, const ComparisonTask& task);

// The options of `train` that differ from its defaults, as typed: {"--hidden", "64", ...}; DATA and --system not among them, nor
// what cannot act on a run with `system`.
std::vector<std::string> training_arguments(const TrainOptions& options, const std::string& system);

// What no run of a comparison is told: it looks at the whole curve afterwards, and starts the workers itself.
void drop_run_options(cli::OptionTable& table);

}  // namespace tenfold::gnnbench
