// What iterate and retrain say to people.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "mtl-prune/report_parts.h"
#include "mtl-prune/reports.h"
#include "report/text_table.h"

namespace tenfold::mtl_prune {
namespace {

std::vector<report::Chart> curve_charts(const Json& value) {
  std::vector<MetricPoint> points = {{"before", value["model"]["before"]["macs"].get<double>(), value["dense_metrics"]}};
  for (const Json& point : value["curve"]) points.push_back({"while pruning", point["macs"].get<double>(), point["metrics"]});
  return metrics_over_macs(points);
}

// The mean cosine over all trunk sets, event by event, a line a pair of tasks.
std::vector<report::Chart> conflict_over_time(const Json& events) {
  std::map<std::string, report::Series> pairs;
  for (const Json& event : events) {
    std::map<std::string, std::pair<double, int>> sums;
    for (const Json& row : event["conflict"]) {
      const std::string pair = row["tasks"][0].get<std::string>() + " and " + row["tasks"][1].get<std::string>();
      sums[pair].first += row["mean_cosine"].get<double>();
      ++sums[pair].second;
    }
    for (const auto& [pair, sum] : sums) {
      report::Series& line = pairs[pair];
      line.name = pair;
      line.x.push_back(event["step"].get<double>());
      line.y.push_back(sum.first / sum.second);
    }
  }
  std::vector<report::Series> series;
  for (auto& [pair, line] : pairs) series.push_back(std::move(line));
  if (series.empty()) return {};
  return {report::lines("conflict", "Do the tasks pull the trunk the same way?", series,
                        {.x = "step", .y = "mean cosine of filter gradients"})};
}

report::Table curve_table(const Json& value) {
  report::Table table{.title = "On the validation images", .columns = {"step", "units", "M MACs"}, .rows = {}};
  for (const auto& [task, metrics] : value["dense_metrics"].items())
    for (const auto& [name, metric] : metrics.items()) {
      table.columns.push_back(task + " " + name);
      break;
    }
  const auto row = [&](const std::string& step, const std::string& units, const Json& macs, const Json& metrics) {
    std::vector<std::string> cells = {step, units, report::number_text(macs.get<double>() / 1e6)};
    for (const auto& [task, of_task] : metrics.items())
      if (!of_task.empty()) cells.push_back(text_of(of_task.begin().value()));
    table.rows.push_back(std::move(cells));
  };
  row("before", value["units"]["before"].dump(), value["model"]["before"]["macs"], value["dense_metrics"]);
  for (const Json& point : value["curve"]) row(point["step"].dump(), point["units"].dump(), point["macs"], point["metrics"]);
  return table;
}

void fail_on_faults(cli::Result& result) {
  if (!result.value["faults"].empty()) result.exit_code = static_cast<int>(ExitCode::input);
}

}  // namespace

cli::Result iterate_report(Json value) {
  cli::Result result;
  const Json &before = value["model"]["before"], &after = value["model"]["after"];
  result.asked = fmt::format("Prune {} to {} by {}, training in between.", value["model"]["file"].get<std::string>(),
                             value["until"].get<std::string>(), value["criterion"].get<std::string>());
  result.answer = fmt::format(
      "{} events in {} steps removed {} of {} units; {} of the parameters and {} of the multiply-adds are left. Over all tasks "
      "the metrics changed by {} on average (negative is worse). Stopped by: {}.",
      value["events"].size(), value["steps"].get<std::int64_t>(), value["units"]["removed"].get<std::int64_t>(),
      value["units"]["before"].get<std::int64_t>(), percent_of(after["params"], before["params"]),
      percent_of(after["macs"], before["macs"]), signed_percent(value["avg_metric_change"]), value["binding"].get<std::string>());
  result.tables = {metrics_table(value["tasks"]), curve_table(value), widths_table(value["sets"])};
  result.human = result.answer + "\n" + report::table_text(result.tables[1], 1) + report::table_text(result.tables[0], 2);
  result.charts = curve_charts(value);
  for (report::Chart& chart : conflict_over_time(value["events"])) result.charts.push_back(std::move(chart));
  result.charts.push_back(widths_chart(value["sets"]));
  result.value = std::move(value);
  fail_on_faults(result);
  if (result.exit_code == 0 && result.value["binding"] == "no unit may go")
    result.exit_code = static_cast<int>(ExitCode::infeasible);
  return result;
}

cli::Result retrain_report(Json value) {
  cli::Result result;
  result.asked = fmt::format("Is the network of {} better trained from new weights or from those it was left with?",
                             value["plan"].get<std::string>());
  report::Table runs{.title = "Each run, by its best weights on the validation images",
                     .columns = {"start", "seed", "learning rate", "best step", "mean metric change to dense"},
                     .rows = {}};
  for (const auto& [init, arm] : value["arms"].items())
    for (const Json& seed : arm["seeds"])
      runs.rows.push_back(
          {init, seed["seed"].dump(), text_of(seed["lr"]), seed["best_step"].dump(), signed_percent(seed["avg_metric_change"])});
  result.answer = fmt::format("At {} of the dense network's multiply-adds, {} steps each: ",
                              percent_of(value["model"]["after"]["macs"], value["model"]["before"]["macs"]),
                              value["steps"].get<std::int64_t>());
  const Json& comparison = value["comparison"];
  if (comparison.is_null()) {
    for (const auto& [init, arm] : value["arms"].items())
      result.answer += fmt::format("{} weights change the metrics by {} on average. ", init == "random" ? "new" : init,
                                   signed_percent(arm["avg_metric_change"]["mean"]));
  } else {
    result.answer += comparison["all"]["verdict"].get<std::string>() + ".";
    report::Table table{.title = "New weights against pruned weights",
                        .columns = {"task", "relative difference of test loss", "low", "high"},
                        .rows = {},
                        .caption = "Negative: new weights are better. Pairs of seed and image, 95 % bootstrap intervals."};
    std::vector<report::Bar> bars;
    const auto add = [&](const std::string& name, const Json& d) {
      table.rows.push_back({name, signed_percent(d["difference"]), signed_percent(d["ci"][0]), signed_percent(d["ci"][1])});
      bars.push_back({.label = name,
                      .value = 100 * d["difference"].get<double>(),
                      .low = 100 * d["ci"][0].get<double>(),
                      .high = 100 * d["ci"][1].get<double>()});
    };
    for (const auto& [task, d] : comparison["tasks"].items()) add(task, d);
    add("all tasks", comparison["all"]);
    result.tables.push_back(table);
    result.charts.push_back(report::intervals("difference", "New weights against pruned weights", bars,
                                              {.x = "relative difference of test loss, %", .y = ""}));
  }
  result.tables.push_back(runs);
  result.human = result.answer + "\n";
  for (const report::Table& table : result.tables) result.human += report::table_text(table, 1);
  result.value = std::move(value);
  fail_on_faults(result);
  return result;
}

}  // namespace tenfold::mtl_prune
