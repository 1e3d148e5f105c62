// One finished run as a comparison sees it: read from a run directory of `train`, or from another program's curve.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/json.h"
#include "gnnbench/system_spec.h"

namespace tenfold::gnnbench {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct RunPoint {
  double update = kUnknown, epoch = kUnknown;
  double train_s = kUnknown, wall_s = kUnknown, cpu_s = kUnknown;
  double val = kUnknown, test = kUnknown;  // accuracies
};

struct RunRecord {
  std::string system;              // as reports name it
  std::string text;                // the system's whole word, its own options with it
  Family family = Family::baseline;
  bool imported = false;           // from another program: family says nothing then
  int workers = 1;
  std::uint64_t seed = 0;
  std::string folder;              // relative to the comparison's
  std::string data_digest;
  std::vector<RunPoint> curve;     // at least one
  double best_val = kUnknown, test = kUnknown;  // at the best validation
  double best_update = kUnknown;
  bool converged = false;          // patience ended it
  std::string stopped_by;
  double updates_per_epoch = kUnknown;
  double lr = kUnknown;
  double epoch_s = kUnknown;       // median
  double setup_s = kUnknown;
  double peak_bytes = kUnknown;    // of the largest worker
  std::map<std::string, double> breakdown_s;  // of the whole run
  std::map<std::string, double> bytes;        // sent by all workers in the whole run

  double epochs() const { return curve.back().epoch; }
};

// folder/result.json of a finished `train`. Throws Error(input) with file, line and column for what is no such result.
RunRecord read_run(const std::filesystem::path& folder);

// A curve measured elsewhere: CSV with the header seed,time_s,val and perhaps test; a row an evaluation, accuracies in [0, 1],
// the times of a seed rising. Throws Error(input) with file and line.
std::vector<RunRecord> read_curve_file(const std::filesystem::path& file, const std::string& name);

}  // namespace tenfold::gnnbench
