// Pieces of several reports: costs, metrics before and after, widths, the conflict atlas.
#pragma once

#include <string>
#include <vector>

#include "cli/result.h"
#include "data/json.h"

namespace tenfold::mtl_prune {

std::string million(const Json& count);             // "0.249 M"
std::string percent_of(const Json& part, const Json& whole);  // "49.8 %"
std::string signed_percent(const Json& share);      // "-3.1 %", "-" for null
std::string text_of(const Json& number);            // 4 digits, "-" for null

// One row a task and metric: before, after pruning alone (where training followed), at the end.
report::Table metrics_table(const Json& tasks);
// One row a set: producers, units before and kept.
report::Table widths_table(const Json& sets);
// criterion: named in the title and the file where a report has a chart of each; else empty. Sets go by their number, which the
// report's table of sets explains: names of layers are too long to stand below bars.
report::Chart widths_chart(const Json& sets, const std::string& criterion = "");
// Bars of the mean cosine by set, one bar a pair of tasks. Nothing for an empty list.
std::vector<report::Chart> conflict_chart(const Json& conflict);

// Points of one kind of metric over MACs: "before", and each series its own.
struct MetricPoint {
  std::string series;
  double macs = 0;
  Json metrics;  // {TASK: {METRIC: value}}
};
std::vector<report::Chart> metrics_over_macs(const std::vector<MetricPoint>& points);

}  // namespace tenfold::mtl_prune
