#include "mtl-prune/reports.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "mtl-prune/report_parts.h"
#include "report/text_table.h"

namespace tenfold::mtl_prune {
namespace {

std::string size_text(const Json& size) { return fmt::format("{}x{}", size[0].get<std::int64_t>(), size[1].get<std::int64_t>()); }

void fail_on_faults(cli::Result& result) {
  if (!result.value["faults"].empty()) result.exit_code = static_cast<int>(ExitCode::input);
}

Json metrics_of(const Json& tasks, const char* when) {
  Json metrics = Json::object();
  for (const auto& [name, task] : tasks.items()) metrics[name] = task[when];
  return metrics;
}

report::Table cost_table(const Json& before, const Json& after) {
  report::Table table{.title = "Size and cost", .columns = {"what", "before", "after", "kept"}, .rows = {}};
  const auto row = [&](const char* what, const char* key) {
    table.rows.push_back({what, std::to_string(before[key].get<std::int64_t>()), std::to_string(after[key].get<std::int64_t>()),
                          percent_of(after[key], before[key])});
  };
  row("parameters", "params");
  row("multiply-adds an image", "macs");
  row("bytes of weights", "weight_bytes");
  row("peak bytes of activations", "peak_activation_bytes");
  return table;
}

std::string certificate_text(const Json& certificate) {
  return fmt::format(
      "masking and removing the units is one function: they differ by at most {:.2g} (float64: {:.2g}) on {} images",
      certificate["max_abs"].get<double>(), certificate["max_abs_float64"].get<double>(), certificate["n"].get<std::int64_t>());
}

std::string latency_text(const Json& latency) {
  return fmt::format("{} (95 % interval of the ratio {:.3g} to {:.3g}, {} runs each, threads: {})",
                     latency["verdict"].get<std::string>(), latency["ratio_ci"][0].get<double>(),
                     latency["ratio_ci"][1].get<double>(), latency["n"].get<int>(), latency["threads"].get<int>());
}

}  // namespace

cli::Result inspect_report(Json value) {
  cli::Result result;
  result.human = fmt::format("{}: {} parameters, {} multiply-adds at {}\n", value["model"].get<std::string>(),
                             value["params"].get<std::int64_t>(), value["macs"].get<std::int64_t>(), size_text(value["size"]));
  report::Table table{.title = "", .columns = {"set", "made by", "reaches", "units", ""}, .rows = {}};
  for (const Json& set : value["sets"]) {
    std::string producers, reaches, note;
    for (const Json& name : set["producers"]) producers += (producers.empty() ? "" : " ") + name.get<std::string>();
    for (const Json& name : set["reaches"]) reaches += (reaches.empty() ? "" : " ") + name.get<std::string>();
    if (set["locked"].get<bool>() || set["locked_units"].get<std::int64_t>() > 0)
      note = "locked: " + set["why"].get<std::string>();
    for (const Json& balance : set["balanced"])
      note += (note.empty() ? "equal groups: " : ", ") + balance["node"].get<std::string>();
    table.rows.push_back(
        {std::to_string(set["id"].get<int>()), producers, reaches, std::to_string(set["size"].get<std::int64_t>()), note});
  }
  result.human += report::table_text(table, 3);
  result.human += fmt::format("{} units in the trunk can go\n", value["trunk_units"].get<std::int64_t>());
  for (const Json& note : value["notes"]) result.human += note.get<std::string>() + "\n";
  result.value = std::move(value);
  return result;
}

cli::Result score_report(Json value) {
  cli::Result result;
  std::string criteria;
  for (const Json& name : value["criteria"]) criteria += (criteria.empty() ? "" : ", ") + name.get<std::string>();
  result.asked = fmt::format("Score the units of {} by {}.", value["model"]["file"].get<std::string>(), criteria);
  result.answer = fmt::format("{} units in scope; {} batches, {} passes forward, {} back; {} units are dead.",
                              value["units"].get<std::int64_t>(), value["scoring"]["batches"].get<std::int64_t>(),
                              value["scoring"]["forward_passes"].get<std::int64_t>(),
                              value["scoring"]["backward_passes"].get<std::int64_t>(), value["dead_units"].get<std::int64_t>());
  report::Table correlations{.title = "Do criteria rank units alike?", .columns = {"a", "b", "Spearman", "units"}, .rows = {}};
  for (const Json& row : value["rank_correlations"])
    correlations.rows.push_back({row["a"], row["b"], text_of(row["spearman"]), std::to_string(row["n"].get<std::int64_t>())});
  correlations.caption = "1: the same order, 0: unrelated, -1: reversed.";
  report::Table means{.title = "Mean score of each set", .columns = {"set", "made by", "units"}, .rows = {}};
  for (const Json& name : value["criteria"]) means.columns.push_back(name.get<std::string>());
  for (const Json& set : value["sets"]) {
    std::vector<std::string> row = {std::to_string(set["id"].get<int>()), set["producers"][0].get<std::string>(),
                                    std::to_string(set["size"].get<std::int64_t>())};
    for (const Json& name : value["criteria"]) row.push_back(text_of(set["mean_scores"][name.get<std::string>()]));
    means.rows.push_back(std::move(row));
  }
  result.human = result.answer + "\n" + report::table_text(means, 2) + report::table_text(correlations, 2);
  result.tables = {means, correlations};
  result.charts = conflict_chart(value["conflict"]);
  result.value = std::move(value);
  fail_on_faults(result);
  return result;
}

cli::Result prune_report(Json value) {
  cli::Result result;
  const Json &before = value["model"]["before"], &after = value["model"]["after"];
  result.asked = fmt::format("Prune {} to {} by {}.", value["model"]["file"].get<std::string>(),
                             value["target"].get<std::string>(), value["criterion"].get<std::string>());
  result.answer = fmt::format("{} of {} parameters and {} of {} multiply-adds are left; {}.", million(after["params"]),
                              million(before["params"]), million(after["macs"]), million(before["macs"]),
                              certificate_text(value["certificate"]));
  if (!value["latency"].is_null()) result.answer += " The pruned network: " + latency_text(value["latency"]) + ".";
  if (value["avg_metric_change"].is_number())
    result.answer += fmt::format(" Over all tasks the metrics changed by {} on average (negative is worse).",
                                 signed_percent(value["avg_metric_change"]));
  result.tables.push_back(cost_table(before, after));
  result.human = result.answer + "\n" + report::table_text(result.tables.back(), 1);
  if (!value["tasks"].is_null()) {
    result.tables.push_back(metrics_table(value["tasks"]));
    result.tables.back().caption =
        fmt::format("Measured on images of the test split, in number: {}.", value["data"]["test"]["images"].get<std::int64_t>());
    result.human += report::table_text(result.tables.back(), 2);
    std::vector<MetricPoint> points = {{"before", before["macs"].get<double>(), metrics_of(value["tasks"], "metrics_before")}};
    const bool trained = !value["finetune"].is_null();
    if (trained) points.push_back({"pruned", after["macs"].get<double>(), metrics_of(value["tasks"], "metrics_pruned")});
    points.push_back(
        {trained ? "fine-tuned" : "pruned", after["macs"].get<double>(), metrics_of(value["tasks"], "metrics_after")});
    result.charts = metrics_over_macs(points);
  }
  result.tables.push_back(widths_table(value["sets"]));
  for (report::Chart& chart : conflict_chart(value["conflict"])) result.charts.push_back(std::move(chart));
  result.charts.push_back(widths_chart(value["sets"]));
  result.value = std::move(value);
  fail_on_faults(result);
  return result;
}

cli::Result apply_report(Json value) {
  cli::Result result;
  const Json &before = value["model"]["before"], &after = value["model"]["after"];
  result.asked = "Remove the units that a plan drops.";
  result.answer = fmt::format("{} of {} parameters are left; {}.", million(after["params"]), million(before["params"]),
                              certificate_text(value["certificate"]));
  result.tables = {cost_table(before, after), widths_table(value["sets"])};
  result.human = result.answer + "\n" + report::table_text(result.tables.front(), 1);
  result.charts = {widths_chart(value["sets"])};
  result.value = std::move(value);
  return result;
}

cli::Result verify_report(Json value) {
  cli::Result result;
  for (const Json& check : value["checks"]) {
    result.human += fmt::format("{:<6} {}", check["holds"].get<bool>() ? "holds" : "FAILS", check["name"].get<std::string>());
    if (check["value"].is_number())
      result.human += fmt::format(": {:.3g} of {:.3g}", check["value"].get<double>(), check["tolerance"].get<double>());
    result.human += "\n";
  }
  if (value["failed"].get<std::int64_t>() > 0) result.exit_code = static_cast<int>(ExitCode::check_failed);
  result.value = std::move(value);
  return result;
}

cli::Result latency_report(Json value) {
  cli::Result result;
  report::Table table{.title = "", .columns = {"model", "as", "batch", "min ms", "median ms", "CPU ms"}, .rows = {}};
  for (const Json& model : value["models"])
    for (const Json& row : model["timings"])
      table.rows.push_back({model["file"], model["runs_as"], std::to_string(row["batch"].get<std::int64_t>()),
                            fmt::format("{:.3f}", 1e3 * row["min_s"].get<double>()),
                            fmt::format("{:.3f}", 1e3 * row["median_s"].get<double>()),
                            fmt::format("{:.3f}", 1e3 * row["cpu_s"].get<double>())});
  result.human = report::table_text(table, 2);
  for (const Json& row : value["comparisons"])
    result.human +=
        fmt::format("batch {}: {} against {}: {} (ratio {:.3g}, {:.3g} to {:.3g})\n", row["batch"].get<std::int64_t>(),
                    row["b"].get<std::string>(), row["a"].get<std::string>(), row["verdict"].get<std::string>(),
                    row["ratio"].get<double>(), row["ratio_ci"][0].get<double>(), row["ratio_ci"][1].get<double>());
  if (!value["per_layer"].is_null()) {
    report::Table layers{.title = "", .columns = {"model", "node", "op", "median ms"}, .rows = {}};
    for (const Json& row : value["per_layer"])
      layers.rows.push_back({row["model"], row["node"], row["op"], fmt::format("{:.4f}", 1e3 * row["median_s"].get<double>())});
    result.human += report::table_text(layers, 3);
  }
  result.value = std::move(value);
  return result;
}

}  // namespace tenfold::mtl_prune
