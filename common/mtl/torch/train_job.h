// The subcommand `train`, behind the LibTorch parts of both tools.
#pragma once

#include <memory>
#include <string>

#include "cli/result.h"
#include "cli/run.h"
#include "data/json.h"
#include "mtl/torch/trainer.h"
#include "mtl/train_options.h"

namespace tenfold::mtl {

cli::Result train(const TrainOptions& options, cli::Run& run);

// Pieces that mtl-prune's jobs train with, too.

// LibTorch's part of a process: denormals are 0 (moments of weights that are rarely used decay into them), one thread.
void set_up_training();
// {TASK: {"loss": ..., "images_without_label": ..., "metrics": {NAME: value}}}.
Json evaluation_json(const Evaluation& evaluation, const std::vector<Task>& tasks);
// [{"item": ..., "reason": ...}].
Json faults_json(const std::vector<Fault>& faults);
// Every fault as a warning; exit code 3 if there is one, else 0.
int report_faults(const std::vector<Fault>& faults, cli::Run& run);
// The image size of a set: that of its first item that can be read. Throws Error input if none can.
std::pair<std::int64_t, std::int64_t> image_size(const DataSet& data);

}  // namespace tenfold::mtl
