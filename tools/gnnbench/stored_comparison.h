// A finished comparison's folder, read back: its runs, what it settled, and curves that were imported into it.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/json.h"
#include "gnnbench/comparison.h"

namespace tenfold::gnnbench {

struct StoredComparison {
  std::string name;                 // of the folder
  Json data;                        // as result.json has it
  Measure measure;
  double target = 0;                // as settled
  std::vector<RunRecord> runs;      // imported ones last
  std::vector<FailedRun> failed;
  std::vector<std::pair<std::string, std::string>> left_out;

  // All of it compared, at the target it settled or by another measure.
  Comparison compared() const;
  Comparison compared(const Measure& other) const;
};

// Throws Error(input): no finished comparison (or demo) in `folder`, or one whose runs do not read.
StoredComparison read_comparison(const std::filesystem::path& folder);

// Keeps the curves as imported/NAME.csv in the comparison's folder, in its manifest. Throws Error(usage) where a system or
// another import has that name, unless `replace`, and where the folder is in use.
void store_curve(const std::filesystem::path& folder, const std::string& name, const std::vector<RunRecord>& runs, bool replace);

}  // namespace tenfold::gnnbench
