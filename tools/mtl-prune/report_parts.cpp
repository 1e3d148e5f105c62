#include "mtl-prune/report_parts.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

namespace tenfold::mtl_prune {

std::string million(const Json& count) { return fmt::format("{:.4g} M", count.get<double>() / 1e6); }

std::string percent_of(const Json& part, const Json& whole) {
  return fmt::format("{:.1f} %", 100 * part.get<double>() / whole.get<double>());
}

std::string signed_percent(const Json& share) {
  return share.is_number() ? fmt::format("{:+.1f} %", 100 * share.get<double>()) : "-";
}

std::string text_of(const Json& number) { return number.is_number() ? report::number_text(number.get<double>()) : "-"; }

report::Table metrics_table(const Json& tasks) {
  bool trained = false;
  for (const auto& [name, task] : tasks.items()) trained = trained || !task["metrics_pruned"].is_null();
  report::Table table{.title = "What each task pays", .columns = {"task", "metric", "before"}, .rows = {}};
  if (trained) table.columns.emplace_back("pruned");
  table.columns.emplace_back(trained ? "fine-tuned" : "pruned");
  for (const auto& [name, task] : tasks.items()) {
    const auto add = [&](const std::string& metric, const Json& before, const Json& pruned, const Json& after) {
      std::vector<std::string> row = {name, metric, text_of(before)};
      if (trained) row.push_back(text_of(pruned));
      row.push_back(text_of(after));
      table.rows.push_back(std::move(row));
    };
    add("loss", task["loss_before"], task["loss_pruned"], task["loss_after"]);
    for (const auto& [metric, before] : task["metrics_before"].items())
      add(metric, before, trained ? task["metrics_pruned"][metric] : Json(), task["metrics_after"][metric]);
  }
  return table;
}

report::Table widths_table(const Json& sets) {
  report::Table table{.title = "Units of each set", .columns = {"set", "made by", "before", "kept"}, .rows = {}};
  for (const Json& set : sets) {
    std::string producers;
    for (const Json& name : set["producers"]) producers += (producers.empty() ? "" : ", ") + name.get<std::string>();
    table.rows.push_back({std::to_string(set["id"].get<int>()), producers, std::to_string(set["size"].get<std::int64_t>()),
                          set["locked"].get<bool>() ? "all (locked)" : std::to_string(set["kept"].get<std::int64_t>())});
  }
  table.caption = "A set holds the channels that are made together; its units are the least that can be removed.";
  return table;
}

report::Chart widths_chart(const Json& sets, const std::string& criterion) {
  std::vector<report::Bar> bars;
  for (const Json& set : sets) {
    if (!set["trunk"].get<bool>()) continue;
    const std::string label = std::to_string(set["id"].get<int>());
    bars.push_back({.label = label, .value = set["size"].get<double>(), .group = "before"});
    bars.push_back({.label = label, .value = set["kept"].get<double>(), .group = "kept"});
  }
  const std::string title = "Units of the trunk's sets" + (criterion.empty() ? "" : ", pruned by " + criterion);
  report::Chart chart =
      report::bars(criterion.empty() ? "widths" : "widths-" + criterion, title, bars, {.x = "set", .y = "units"});
  chart.caption =
      "Sets that two tasks or more share, in the order of the network; the table \"Units of each set\" says what makes them.";
  return chart;
}

std::vector<report::Chart> conflict_chart(const Json& conflict) {
  std::vector<report::Bar> bars;
  for (const Json& row : conflict) {
    bars.push_back({.label = std::to_string(row["set"].get<int>()),
                    .value = row["mean_cosine"].get<double>(),
                    .group = row["tasks"][0].get<std::string>() + " and " + row["tasks"][1].get<std::string>()});
  }
  if (bars.empty()) return {};
  report::Chart chart = report::bars("conflict", "Conflict atlas: do two tasks pull a filter the same way?", bars,
                                     {.x = "set", .y = "mean cosine"});
  chart.caption =
      "Cosine of the two tasks' gradients of a filter, averaged over mini-batches and over the set's units: 1 they agree, 0 they "
      "do not touch each other, -1 what helps one harms the other. CosPrune removes the units whose tasks agree least. A table "
      "above says what makes each set.";
  return {chart};
}

std::vector<report::Chart> metrics_over_macs(const std::vector<MetricPoint>& points) {
  std::vector<report::Chart> charts;
  if (points.empty()) return charts;
  for (const auto& [task, metrics] : points.front().metrics.items()) {
    if (metrics.empty()) continue;
    const std::string metric = metrics.begin().key();
    std::vector<report::Series> series;
    for (const MetricPoint& point : points) {
      if (series.empty() || series.back().name != point.series) series.push_back({.name = point.series, .x = {}, .y = {}});
      const Json& value = point.metrics[task][metric];
      series.back().x.push_back(point.macs / 1e6);
      series.back().y.push_back(value.is_number() ? value.get<double>() : std::nan(""));
    }
    charts.push_back(report::points("macs-" + task, task + ": " + metric + " over multiply-adds", series,
                                    {.x = "million multiply-adds an image", .y = metric}));
  }
  return charts;
}

}  // namespace tenfold::mtl_prune
