// The charts of a comparison.
#pragma once

#include <vector>

#include "gnnbench/comparison.h"
#include "report/chart.h"

namespace tenfold::gnnbench {

// accuracy: over the clock, a band over seeds per system; tta: bars with intervals; epoch: where an epoch's time goes, stacked;
// bytes: sent in an epoch, stacked, where anything was.
std::vector<report::Chart> comparison_charts(const Comparison& comparison);

}  // namespace tenfold::gnnbench
