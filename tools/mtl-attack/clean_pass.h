// The first pass: clean forwards over the whole data set, which give every image's losses, the floors tau_i, the set's mean
// losses and, over the images that are attacked, the clean metrics. Its lines in log.jsonl are reused after a resumption.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/run.h"
#include "mtl-attack/damage.h"
#include "mtl-attack/image_record.h"
#include "mtl-attack/scene.h"
#include "mtl/metrics.h"

namespace tenfold::mtl_attack {

using Metrics = std::vector<mtl::MetricSums>;  // by task
Metrics no_metrics(const std::vector<mtl::Task>& tasks);
void add_metrics(Metrics& to, const Metrics& more);
// One image's predictions.
Metrics metrics_of(const std::vector<mtl::Task>& tasks, const std::vector<Prediction>& predictions, const mtl::Sample& sample);

struct CleanPass {
  std::vector<std::optional<CleanImage>> images;  // by index in the set; nothing where the item is faulty
  LossScale scale;
  std::vector<std::size_t> attacked;  // indices
  Metrics metrics;                    // over the attacked
  std::vector<mtl::Fault> faults;
  std::vector<std::int64_t> floored, absent;  // by task, over the attacked
};

struct CleanOptions {
  double loss_floor = 1e-3;
  std::size_t limit = 0;  // 0: all
  bool floats = false;
  bool store = false;     // write clean/ID.png of the attacked
};

// `done`: what the log of a resumed run says, by id. Steps the run and logs a line an image. Leaves by run.interrupted() when
// asked to stop. Throws Error input when no image can be used.
CleanPass clean_pass(const Scene& scene, const CleanOptions& options, const std::map<std::string, Json>& done, cli::Run& run);

}  // namespace tenfold::mtl_attack
