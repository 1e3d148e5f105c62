// A whole comparison, from the task to the result: what `compare` and `demo` share.
#pragma once

#include <filesystem>

#include "cli/result.h"
#include "cli/run.h"
#include "gnnbench/compare_plan.h"
#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

// `stored`: a .gnnb folder that holds the very data, or empty: it is then written to data.gnnb in the run's folder.
cli::Result compare_systems(const ComparisonTask& task, Dataset data, const std::filesystem::path& stored, cli::Run& run);

// Systems worth comparing where nothing else is asked for: those of several workers only with two cores or more.
std::vector<std::string> default_systems();

// What a comparison is about and says, for reports.
cli::Result comparison_result(const Comparison& comparison, const Json& data);

}  // namespace tenfold::gnnbench
