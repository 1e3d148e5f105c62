#include "gnnbench/run_result.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "stats/quantile.h"

namespace tenfold::gnnbench {
namespace {

Json data_json(const Dataset& data) {
  const Features& x = data.features;
  return {{"name", data.name},     {"source", data.source}, {"format", data.format},
          {"digest", data.digest}, {"nodes", data.nodes()}, {"edges", data.graph.edges()},
          {"features", x.width},   {"sparse", x.sparse()},  {"classes", data.classes}};
}

double accuracy(std::int64_t correct, std::int64_t size) {
  return size > 0 ? static_cast<double>(correct) / static_cast<double>(size) : std::nan("");
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

const char* name_of(ClockKind clock) { return clock == ClockKind::train ? "train" : clock == ClockKind::wall ? "wall" : "cpu"; }

double clock_of(const CurvePoint& p, ClockKind clock) {
  return clock == ClockKind::train ? p.train_s : clock == ClockKind::wall ? p.wall_s : p.cpu_s;
}

Json target_json(const TrainOptions& o, const std::vector<CurvePoint>& curve, CurveSizes sizes, double setup_s) {
  if (!o.target) return nullptr;
  const bool on_test = o.target_on == Part::test;
  std::vector<double> clock, metric;
  for (const CurvePoint& p : curve) {
    clock.push_back(clock_of(p, o.clock));
    metric.push_back(on_test ? accuracy(p.test_correct, sizes.test) : accuracy(p.val_correct, sizes.val));
  }
  Json out = {{"value", *o.target}, {"on", on_test ? "test" : "val"}, {"clock", name_of(o.clock)}};
  const std::optional<TargetTime> time = time_to_target(clock, metric, *o.target);
  out["reached"] = time.has_value();
  // At update 0 nothing of what the clock shows was spent on getting there.
  const bool trained = time && curve[time->point].update > 0;
  out["tta_s"] = time ? Json(trained ? time->t_hi : 0) : Json(nullptr);
  out["t_lo_s"] = time ? Json(trained ? time->t_lo : 0) : Json(nullptr);
  out["update"] = time ? Json(curve[time->point].update) : Json(nullptr);
  out["epoch"] = time ? Json(curve[time->point].epoch) : Json(nullptr);
  out["tta_setup_s"] = time ? Json((trained ? time->t_hi : 0) + setup_s) : Json(nullptr);
  return out;
}

Json epoch_json(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double p) { return seconds.empty() ? Json(nullptr) : Json(stats::quantile(seconds, p)); };
  return {{"median", at(0.5)}, {"p10", at(0.1)}, {"p90", at(0.9)}, {"n", seconds.size()}};
}

}  // namespace

CurveSizes curve_sizes(const Dataset& data) {
  return {.val = static_cast<std::int64_t>(data.part(Part::val).size()),
          .test = static_cast<std::int64_t>(data.part(Part::test).size())};
}

Json run_result(const TrainPlan& plan, const Dataset& data, const RunOutcome& run, RunClock& clock) {
  const CurveSizes sizes = curve_sizes(data);
  const CurvePoint& best = run.curve[run.best];
  const bool trained = plan.system.method != Method::labelprop;
  return {{"data", data_json(data)},
          {"split", {{"name", data.split_name}, {"train", plan.train_nodes}, {"val", sizes.val}, {"test", sizes.test}}},
          {"system", system_json(plan.system, run.transport)},
          {"model", run.model},
          {"lr", trained ? Json(plan.lr) : Json(nullptr)},
          {"updates_per_epoch", plan.updates_per_epoch},
          {"mean_batch", trained ? Json(plan.mean_batch) : Json(nullptr)},
          {"stream_digest", text_or_null(run.stream_digest)},
          {"curve", curve_json(run.curve, sizes)},
          {"target", target_json(plan.options, run.curve, sizes, clock.spent_s(Section::setup))},
          {"epoch_s", epoch_json(run.epoch_s)},
          {"breakdown_s", clock.breakdown()},
          {"bytes",
           {{"setup", run.bytes.setup},
            {"forward", run.bytes.forward},
            {"backward", run.bytes.backward},
            {"allreduce", run.bytes.allreduce},
            {"feature_fetch", run.bytes.feature_fetch}}},
          {"peak_bytes", run.peak_bytes},
          {"best",
           {{"update", best.update},
            {"val", number_or_null(accuracy(best.val_correct, sizes.val))},
            {"test", number_or_null(accuracy(best.test_correct, sizes.test))}}},
          {"updates", run.updates},
          {"converged", run.converged},
          {"stopped_by", run.stopped_by},
          {"curve_digest", curve_digest(run.curve)},
          {"weights_digest", text_or_null(run.weights_digest)},
          {"explain", run.explain}};
}

}  // namespace tenfold::gnnbench
