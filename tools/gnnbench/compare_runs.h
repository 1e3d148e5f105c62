// Runs what a comparison plans, each run a child process: equal page cache, allocator and memory peak for all.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cli/run.h"
#include "gnnbench/compare_plan.h"

namespace tenfold::gnnbench {

struct ChildSetting {
  std::filesystem::path program;       // empty: this executable
  std::filesystem::path data;          // DATA of every run: absolute, or relative to the comparison's folder
};

struct FinishedRuns {
  std::vector<RunRecord> records;
  std::vector<FailedRun> failed;  // ended with exit code 4: infeasible, or the loss was not finite
  std::vector<std::pair<std::string, std::vector<std::string>>> warnings;  // of the runs: a text, and the systems that gave it
};

// One step of `run` a finished child; after each the comparison's state is saved, and runs that an earlier one finished are not
// repeated. A stop request reaches the child, which saves; then this leaves by run.interrupted(). Throws what a child of exit
// code 2 or 3 said, and Error(machine), after saving, where one died.
FinishedRuns run_children(const ComparisonPlan& plan, const ChildSetting& setting, cli::Run& run);

}  // namespace tenfold::gnnbench
