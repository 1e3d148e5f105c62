#include "gnnbench/comparison_charts.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "stats/interval.h"
#include "stats/quantile.h"

namespace tenfold::gnnbench {
namespace {

double clock_of(const RunPoint& p, ClockKind clock) {
  return clock == ClockKind::train ? p.train_s : clock == ClockKind::wall ? p.wall_s : p.cpu_s;
}

// Runs of a system are evaluated at the same updates, so that its k-th points belong together. Before the first update the clock
// has run for microseconds or not at all, which has no place on a logarithmic axis.
report::BandSeries band_of(const ComparedSystem& system, const Measure& measure) {
  report::BandSeries band{.name = system.name, .x = {}, .low = {}, .mid = {}, .high = {}};
  std::size_t points = system.runs.front().curve.size();
  for (const RunRecord& run : system.runs) points = std::min(points, run.curve.size());
  for (std::size_t i = 0; i < points; ++i) {
    std::vector<double> times, values;
    for (const RunRecord& run : system.runs) {
      times.push_back(clock_of(run.curve[i], measure.clock));
      values.push_back(measure.on == Part::test ? run.curve[i].test : run.curve[i].val);
    }
    const double time = stats::median(times), value = stats::median(values);
    if (system.runs.front().curve[i].update == 0 || !(time > 0) || std::isnan(value)) continue;
    band.x.push_back(time);
    band.mid.push_back(value);
    band.low.push_back(*std::min_element(values.begin(), values.end()));
    band.high.push_back(*std::max_element(values.begin(), values.end()));
  }
  return band;
}

report::Chart accuracy_chart(const Comparison& c) {
  std::vector<report::BandSeries> series;
  for (const ComparedSystem& s : c.systems) {
    report::BandSeries band = band_of(s, c.measure);
    if (!band.x.empty()) series.push_back(std::move(band));
  }
  const std::string part = c.measure.on == Part::test ? "test" : "validation";
  report::Chart chart =
      report::bands("accuracy", "Accuracy over time", series,
                    {.x = std::string(name_of(c.measure.clock)) + " clock (s)", .y = part + " accuracy", .log_x = true});
  chart.vega_lite["layer"].push_back(
      {{"data", {{"values", Json::array({{{"target", c.target}}})}}},
       {"mark", {{"type", "rule"}, {"strokeDash", {4, 4}}, {"color", "#555"}}},
       {"encoding", {{"x", nullptr}, {"color", nullptr}, {"y", {{"field", "target"}, {"type", "quantitative"}}}}}});
  chart.caption =
      "Each point is one evaluation at its median time over the seeds: line the median accuracy, band lowest to highest seed. "
      "Dashed: the target.";
  return chart;
}

// Times vary by factors: mean and interval are taken on the log scale.
report::Chart tta_chart(const Comparison& c) {
  std::vector<report::Bar> bars;
  std::string missing;
  for (const ComparedSystem& s : c.systems) {
    std::vector<double> logs;
    for (const ReachTime& t : s.seconds)
      if (t.reached && t.time > 0) logs.push_back(std::log(t.time));
    if (logs.empty() || logs.size() < s.runs.size()) {
      missing += (missing.empty() ? "" : ", ") + s.name;
      continue;
    }
    const stats::MeanInterval mean = stats::mean_interval(logs);
    bars.push_back({.label = s.name,
                    .value = std::exp(mean.mean),
                    .low = std::exp(mean.interval.low),
                    .high = std::exp(mean.interval.high)});
    if (logs.size() < 2) bars.back().low = bars.back().high = kUnknown;
  }
  report::Chart chart =
      report::bars("tta", "Time to the target", bars, {.x = "", .y = "seconds, geometric mean and 95 % interval"});
  if (!missing.empty()) chart.caption = "Not drawn, as runs missed the target or had it untrained: " + missing + ".";
  return chart;
}

// Bars of one label on top of each other rather than side by side.
report::Chart stacked(report::Chart chart) {
  chart.vega_lite["encoding"].erase("xOffset");
  return chart;
}

report::Chart epoch_chart(const Comparison& c) {
  std::vector<report::Bar> bars;
  for (const char* part : {"sample", "gather", "forward", "backward", "comm", "optim"})
    for (const ComparedSystem& s : c.systems) {
      double per_epoch = 0;
      for (const RunRecord& run : s.runs)
        if (const auto found = run.breakdown_s.find(part); found != run.breakdown_s.end() && run.epochs() > 0)
          per_epoch += found->second / run.epochs() / static_cast<double>(s.runs.size());
      if (!s.imported) bars.push_back({.label = s.name, .value = per_epoch, .group = part});
    }
  report::Chart chart = stacked(report::bars("epoch", "Where an epoch's time goes", bars, {.x = "", .y = "seconds an epoch"}));
  chart.caption = "Means over seeds. A full-graph epoch is one update, a mini-batch epoch as many as its batches.";
  return chart;
}

report::Chart bytes_chart(const Comparison& c) {
  std::vector<report::Bar> bars;
  double all = 0;
  for (const char* part : {"forward", "backward", "allreduce", "feature_fetch"})
    for (const ComparedSystem& s : c.systems) {
      if (s.imported || s.runs.front().workers < 2) continue;
      double per_epoch = 0;
      for (const RunRecord& run : s.runs)
        if (const auto found = run.bytes.find(part); found != run.bytes.end() && run.epochs() > 0)
          per_epoch += found->second / run.epochs() / static_cast<double>(s.runs.size()) / 1e6;
      all += per_epoch;
      bars.push_back({.label = s.name, .value = per_epoch, .group = part});
    }
  if (all == 0) return {};
  report::Chart chart =
      stacked(report::bars("bytes", "What workers send each other", bars, {.x = "", .y = "MB an epoch, all workers"}));
  chart.caption = "Counted at the transport; what is sent once, at set-up, is not in it.";
  return chart;
}

}  // namespace

std::vector<report::Chart> comparison_charts(const Comparison& c) {
  std::vector<report::Chart> charts;
  if (c.systems.empty()) return charts;
  charts.push_back(accuracy_chart(c));
  charts.push_back(tta_chart(c));
  charts.push_back(epoch_chart(c));
  if (report::Chart bytes = bytes_chart(c); !bytes.name.empty()) charts.push_back(std::move(bytes));
  return charts;
}

}  // namespace tenfold::gnnbench
