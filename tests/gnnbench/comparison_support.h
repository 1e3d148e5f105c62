// Runs made by hand, for tests of what a comparison makes of them.
#pragma once

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.h"
#include "gnnbench/run_record.h"
#include "gnnbench/system_spec.h"

namespace tenfold::gnnbench::testing {

struct TimePoint {
  double train_s, val;
};

// Update i at point i, ten updates an epoch; wall time is thrice, CPU time twice the train clock.
inline RunRecord record(const std::string& system, std::uint64_t seed, const std::vector<TimePoint>& points, double test) {
  RunRecord r;
  r.system = r.text = system;
  r.family = parse_system(system).family();
  r.seed = seed;
  r.workers = parse_system(system).workers;
  r.data_digest = std::string(64, 'a');
  for (std::size_t i = 0; i < points.size(); ++i)
    r.curve.push_back({.update = static_cast<double>(i),
                       .epoch = static_cast<double>(i) / 10,
                       .train_s = points[i].train_s,
                       .wall_s = 3 * points[i].train_s,
                       .cpu_s = 2 * points[i].train_s,
                       .val = points[i].val,
                       .test = test});
  for (const RunPoint& p : r.curve) r.best_val = std::fmax(r.best_val, p.val);
  r.test = test;
  r.best_update = static_cast<double>(points.size()) - 1;
  r.stopped_by = "epochs";
  r.epoch_s = 0.5;
  r.setup_s = 0.25;
  r.peak_bytes = 1e6;
  r.breakdown_s = {{"sample", 0.1}, {"forward", 0.2}, {"backward", 0.3}};
  r.bytes = {{"forward", 1000}, {"backward", 2000}};
  return r;
}

// The same as `train` would have left it.
inline Json result_json(const RunRecord& r) {
  Json curve = Json::array();
  for (const RunPoint& p : r.curve)
    curve.push_back({{"update", p.update},
                     {"epoch", p.epoch},
                     {"train_s", p.train_s},
                     {"wall_s", p.wall_s},
                     {"cpu_s", p.cpu_s},
                     {"loss", nullptr},
                     {"val", p.val},
                     {"test", p.test}});
  Json breakdown = Json::object(), bytes = Json::object();
  for (const auto& [key, value] : r.breakdown_s) breakdown[key] = value;
  breakdown["setup"] = r.setup_s;
  for (const auto& [key, value] : r.bytes) bytes[key] = value;
  return {{"schema", "tenfold.gnnbench.train/1"},
          {"seed", r.seed},
          {"warnings", Json::array({"a warning"})},
          {"result",
           {{"data", {{"digest", r.data_digest}}},
            {"system", system_json(parse_system(r.text), "")},
            {"lr", 0.01},
            {"updates_per_epoch", 10},
            {"curve", curve},
            {"epoch_s", {{"median", r.epoch_s}}},
            {"breakdown_s", breakdown},
            {"bytes", bytes},
            {"peak_bytes", {r.peak_bytes}},
            {"best", {{"update", r.best_update}, {"val", r.best_val}, {"test", r.test}}},
            {"updates", r.best_update},
            {"converged", r.converged},
            {"stopped_by", r.stopped_by}}}};
}

inline void write_run(const std::filesystem::path& folder, const RunRecord& r) {
  std::filesystem::create_directories(folder);
  write_file_atomic(folder / "result.json", result_json(r).dump());
}

}  // namespace tenfold::gnnbench::testing
