// The report of demo: for someone who has not read the paper.
#include <algorithm>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "mtl-prune/report_parts.h"
#include "mtl-prune/reports.h"
#include "report/text_table.h"

namespace tenfold::mtl_prune {
namespace {

Json metrics_of(const Json& arm, const char* when) {
  Json metrics = Json::object();
  for (const auto& [name, task] : arm["tasks"].items()) metrics[name] = task[when];
  return metrics;
}

// A row a metric: before, then per arm pruned and fine-tuned.
report::Table metrics_of_arms(const Json& arms) {
  report::Table table{.title = "What each task pays", .columns = {"task", "metric", "before"}, .rows = {}};
  for (const Json& arm : arms) {
    const std::string criterion = arm["criterion"];
    table.columns.push_back(criterion + ", pruned");
    table.columns.push_back(criterion + ", fine-tuned");
  }
  for (const auto& [name, task] : arms[0]["tasks"].items()) {
    for (const auto& [metric, before] : task["metrics_before"].items()) {
      std::vector<std::string> row = {name, metric, text_of(before)};
      for (const Json& arm : arms) {
        row.push_back(text_of(arm["tasks"][name]["metrics_pruned"][metric]));
        row.push_back(text_of(arm["tasks"][name]["metrics_after"][metric]));
      }
      table.rows.push_back(std::move(row));
    }
  }
  table.caption = "On images that neither scores nor training saw.";
  return table;
}

report::Table sizes_of_arms(const Json& before, const Json& arms) {
  report::Table table{
      .title = "Size and speed",
      .columns = {"network", "parameters", "multiply-adds", "bytes of weights", "ms an image", "speed", "metrics change"},
      .rows = {}};
  const double dense_s = arms[0]["latency"]["before_s"];
  const auto count = [](const Json& value) { return std::to_string(value.get<std::int64_t>()); };
  table.rows.push_back({"before", count(before["params"]), count(before["macs"]), count(before["weight_bytes"]),
                        fmt::format("{:.2f}", 1e3 * dense_s), "", ""});
  for (const Json& arm : arms) {
    const Json& after = arm["model"]["after"];
    table.rows.push_back({arm["criterion"], count(after["params"]), count(after["macs"]), count(after["weight_bytes"]),
                          fmt::format("{:.2f}", 1e3 * arm["latency"]["after_s"].get<double>()), arm["latency"]["verdict"],
                          signed_percent(arm["avg_metric_change"])});
  }
  table.caption = "Metrics change: mean relative change over tasks and their metrics after fine-tuning, negative is worse.";
  return table;
}

// What makes each set, and what each criterion leaves of it.
report::Table sets_of_arms(const Json& arms) {
  report::Table table = widths_table(arms[0]["sets"]);
  table.columns.pop_back();
  for (std::vector<std::string>& row : table.rows) row.pop_back();
  for (const Json& arm : arms) {
    const report::Table of_arm = widths_table(arm["sets"]);
    table.columns.push_back(arm["criterion"].get<std::string>() + " keeps");
    for (std::size_t i = 0; i < table.rows.size(); ++i) table.rows[i].push_back(of_arm.rows[i].back());
  }
  return table;
}

std::string explanation() {
  return "One small network looks at a picture of a room and answers three questions at every pixel: which object is it (seg), "
         "how far "
         "away is it (depth), which way does its surface face (normal). Most of the network, the trunk, is shared by the three. "
         "Here half "
         "of its arithmetic is removed, whole channels at a time, so that the file is smaller and ordinary programs run it "
         "faster.\n"
         "Two rules choose the channels. cosprune looks at how the three tasks would change a filter: where they pull against "
         "each other, "
         "the filter serves nobody well and goes first. taylor removes the channels whose absence changes the sum of the losses "
         "least.\n"
         "Each pruned network is then trained for a few steps, measured, and checked: setting the removed channels to zero in "
         "the old "
         "network gives the same answers as the new one.";
}

}  // namespace

cli::Result demo_report(Json value) {
  cli::Result result;
  const Json& arms = value["arms"];
  result.asked = "Prune the sample network to half its multiply-adds, by two criteria, and say what it costs each task.";
  std::int64_t checks = 0, failed = 0;
  for (const Json& arm : arms) {
    for (const Json& check : arm["checks"]) {
      ++checks;
      failed += check["holds"].get<bool>() ? 0 : 1;
    }
    result.answer += fmt::format(
        "{}: {} of the multiply-adds and {} of the parameters are left, {}; metrics changed by {} on average, and "
        "by {} after {} training steps. ",
        arm["criterion"].get<std::string>(), percent_of(arm["model"]["after"]["macs"], value["before"]["macs"]),
        percent_of(arm["model"]["after"]["params"], value["before"]["params"]), arm["latency"]["verdict"].get<std::string>(),
        signed_percent(arm["avg_metric_change_pruned"]), signed_percent(arm["avg_metric_change"]),
        value["finetune_steps"].get<std::int64_t>());
  }
  result.answer += failed == 0 ? fmt::format("All {} checks of the files hold.", checks)
                               : fmt::format("{} of {} checks FAIL.", failed, checks);
  result.tables = {sizes_of_arms(value["before"], arms), metrics_of_arms(arms)};
  result.human =
      result.answer + "\n\n" + report::table_text(result.tables[0], 1) + "\n" + report::table_text(result.tables[1], 2);
  result.tables.push_back(sets_of_arms(arms));
  result.asked += " " + explanation();

  std::vector<MetricPoint> points = {{"before", value["before"]["macs"].get<double>(), metrics_of(arms[0], "metrics_before")}};
  for (const Json& arm : arms) {
    const double macs = arm["model"]["after"]["macs"];
    points.push_back({arm["criterion"].get<std::string>() + ", pruned", macs, metrics_of(arm, "metrics_pruned")});
    points.push_back({arm["criterion"].get<std::string>() + ", fine-tuned", macs, metrics_of(arm, "metrics_after")});
  }
  result.charts = metrics_over_macs(points);
  for (report::Chart& chart : conflict_chart(value["conflict"])) result.charts.push_back(std::move(chart));
  for (const Json& arm : arms) result.charts.push_back(widths_chart(arm["sets"], arm["criterion"]));
  if (failed > 0) result.exit_code = static_cast<int>(ExitCode::check_failed);
  result.value = std::move(value);
  return result;
}

}  // namespace tenfold::mtl_prune
