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

}  // namespace

cli::Result train_report(const TrainPlan& plan, Json value) {
  cli::Result result;
  const Json& best = value["best"];
  const std::string system = to_string(plan.system);
  const double train_s = value["curve"].back()["train_s"];
  result.asked = fmt::format("Train {} on {}.", system, value["data"]["name"].get<std::string>());
  result.answer = fmt::format(
      "Test accuracy {} at the best validation accuracy, {}, at update {} of {}; {:.3g} s of training. {}", share(best["test"]),
      share(best["val"]), best["update"].get<std::int64_t>(), value["updates"].get<std::int64_t>(), train_s, ending(value));
  const Json& target = value["target"];
  if (!target.is_null())
    result.answer += target["reached"].get<bool>()
                         ? fmt::format(" The target {} was reached after {:.3g} s.", target["value"].get<double>(),
                                       target["tta_s"].get<double>())
                         : fmt::format(" The target {} was not reached.", target["value"].get<double>());
  report::Table points{.title = "Curve", .columns = {"update", "epoch", "train s", "loss", "validation", "test"}, .rows = {}};
  for (const Json& p : value["curve"])
    points.rows.push_back({std::to_string(p["update"].get<std::int64_t>()), fmt::format("{:.4g}", p["epoch"].get<double>()),
                           fmt::format("{:.4g}", p["train_s"].get<double>()), share(p["loss"]), share(p["val"]),
                           share(p["test"])});
  result.tables = {points};
  result.charts = charts_of(value);
  result.human =
      fmt::format("{} on {}: {} nodes, {} edges, {} to train\n", system, value["data"]["name"].get<std::string>(),
                  value["data"]["nodes"].get<std::int64_t>(), value["data"]["edges"].get<std::int64_t>(), plan.train_nodes) +
      result.answer + "\n";
  result.value = std::move(value);
  return result;
}

}  // namespace tenfold::gnnbench
