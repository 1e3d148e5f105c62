#include "gnnbench/train_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

namespace tenfold::gnnbench {
namespace {

double number(const Json& value) { return value.is_number() ? value.get<double>() : std::nan(""); }
std::string share(const Json& value) { return value.is_number() ? fmt::format("{:.4f}", value.get<double>()) : "-"; }

report::Series curve_series(const Json& curve, const char* name, const char* metric) {
  report::Series series{.name = name, .x = {}, .y = {}};
  for (const Json& point : curve) {
    series.x.push_back(point["train_s"]);
    series.y.push_back(number(point[metric]));
  }
  return series;
}

std::vector<report::Chart> charts_of(const Json& value) {
  const Json& curve = value["curve"];
  std::vector<report::Chart> charts;
  charts.push_back(report::lines("accuracy", "Accuracy over training time",
                                 {curve_series(curve, "validation", "val"), curve_series(curve, "test", "test")},
                                 {.x = "training time (s)", .y = "accuracy"}));
  charts.push_back(report::lines("loss", "Loss over training time", {curve_series(curve, "training loss", "loss")},
                                 {.x = "training time (s)", .y = "cross-entropy"}));
  std::vector<report::Bar> bars;
  for (const auto& [name, seconds] : value["breakdown_s"].items())
    bars.push_back({.label = name, .value = seconds.get<double>()});
  charts.push_back(report::bars("time", "Where the time went", bars, {.x = "", .y = "seconds"}));
  charts.back().caption = "Evaluation and set-up are outside the train clock.";
  return charts;
}

std::string ending(const Json& value) {
  const std::string by = value["stopped_by"];
  if (by == "patience") return "Patience ended it: it counts as converged.";
  if (by == "propagation") return "Label propagation has no more steps.";
  return fmt::format("--{} ended it: it had not converged.", by);
}

// --explain: a row a layer and pass.
report::Table layer_table(const Json& explain) {
  report::Table table{.title = "Where an update's time goes, by layer",
                      .columns = {"layer", "pass", "widths", "rows", "edges", "GFLOP", "MB", "ms", "limit ms", "of the limit",
                                  "sent MB", "exchange ms"},
                      .rows = {}};
  for (const Json& layer : explain["layers"])
    for (const char* pass : {"forward", "backward"}) {
      const Json& p = layer[pass];
      const auto at = [&](const char* key, double unit) { return fmt::format("{:.3g}", p[key].get<double>() / unit); };
      table.rows.push_back(
          {std::to_string(layer["layer"].get<int>()), pass,
           fmt::format("{} to {}", layer["width_in"].get<std::int64_t>(), layer["width_out"].get<std::int64_t>()),
           fmt::format("{:.0f} to {:.0f}", layer["rows_in"].get<double>(), layer["rows_out"].get<double>()),
           fmt::format("{:.0f}", layer["edges"].get<double>()), at("flops", 1e9), at("bytes", 1e6), at("time_s", 1e-3),
           at("limit_s", 1e-3), p["fraction_of_limit"].is_null() ? "-" : at("fraction_of_limit", 1), at("exchanged_bytes", 1e6),
           at("exchange_s", 1e-3)});
    }
  table.caption = fmt::format(
      "Rank 0, {} updates: medians of times, means of the rest. The limit is the time in which the layer's products can be made: "
      "the greater of flops at the rate of LibTorch's GEMM at that shape and bytes at the rate at which its operand is read "
      "({:.1f} GB/s from memory).",
      explain["updates"].get<std::int64_t>(), explain["read_bytes_per_s"].get<double>() / 1e9);
  return table;
}

std::string layer_lines(const Json& explain) {
  std::string text;
  for (const Json& layer : explain["layers"])
    for (const char* pass : {"forward", "backward"}) {
      const Json& p = layer[pass];
      text +=
          fmt::format("layer {} {:<8} {:>9.3f} ms, {:.2f} of the limit; {:.3g} GFLOP, {:.3g} MB; {:.3g} MB sent in {:.3f} ms\n",
                      layer["layer"].get<int>(), pass, 1e3 * p["time_s"].get<double>(), number(p["fraction_of_limit"]),
                      p["flops"].get<double>() / 1e9, p["bytes"].get<double>() / 1e6, p["exchanged_bytes"].get<double>() / 1e6,
                      1e3 * p["exchange_s"].get<double>());
    }
  return text;
}

}  // namespace

cli::Result train_report(const TrainPlan& plan, Json value) {
  cli::Result result;
  const Json& best = value["best"];
  const std::string system = to_string(plan.system);
  const double train_s = value["curve"].back()["train_s"];
  result.asked = fmt::format("Train {} on {}.", system, value["data"]["name"].get<std::string>());
  const std::string which = plan.options.select == SelectBy::test_max ? "the greatest of the run"
                            : best["val"].is_null()                   ? "of the last weights, as no node validates"
                                                                      : "at the best validation accuracy, " + share(best["val"]);
  result.answer = fmt::format("Test accuracy {} {}, at update {} of {}; {:.3g} s of training. {}", share(best["test"]), which,
                              best["update"].get<std::int64_t>(), value["updates"].get<std::int64_t>(), train_s, ending(value));
  const Json& target = value["target"];
  if (!target.is_null())
    result.answer += target["reached"].get<bool>()
                         ? target["update"] == 0
                               ? fmt::format(" The target {} was reached by untrained weights.", target["value"].get<double>())
                               : fmt::format(" The target {} was reached after {:.3g} s.", target["value"].get<double>(),
                                             target["tta_s"].get<double>())
                         : fmt::format(" The target {} was not reached.", target["value"].get<double>());
  report::Table points{.title = "Curve", .columns = {"update", "epoch", "train s", "loss", "validation", "test"}, .rows = {}};
  for (const Json& p : value["curve"])
    points.rows.push_back({std::to_string(p["update"].get<std::int64_t>()), fmt::format("{:.4g}", p["epoch"].get<double>()),
                           fmt::format("{:.4g}", p["train_s"].get<double>()), share(p["loss"]), share(p["val"]),
                           share(p["test"])});
  result.tables = {points};
  const Json& explain = value["explain"];
  if (!explain.is_null()) result.tables.push_back(layer_table(explain));
  result.charts = charts_of(value);
  result.human =
      fmt::format("{} on {}: {} nodes, {} edges, {} to train\n", system, value["data"]["name"].get<std::string>(),
                  value["data"]["nodes"].get<std::int64_t>(), value["data"]["edges"].get<std::int64_t>(), plan.train_nodes) +
      result.answer + "\n" + (explain.is_null() ? "" : layer_lines(explain));
  result.value = std::move(value);
  return result;
}

}  // namespace tenfold::gnnbench
