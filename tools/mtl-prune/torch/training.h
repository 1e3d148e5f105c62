// What iterate and retrain share: data with a validation split, a pruned network's moments, a network as bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/run.h"
#include "mtl-prune/removal.h"
#include "mtl-prune/torch/source.h"
#include "mtl/torch/trainer.h"

namespace tenfold::mtl_prune {

// The data's validation split; of a set without one its test split, with a warning.
std::unique_ptr<mtl::DataSet> validation_split(const Source& source, const DataOptions& options, cli::Run& run);

// The optimiser's moments of what stays.
mtl::OptimiserState keep_of(const mtl::OptimiserState& state, const std::vector<KeptIndices>& kept);

// A network's graph with its input and tasks as text; its weights come back from a trainer's saved bytes.
std::string graph_text(const mtl::TaskModel& model);
mtl::TaskModel restored_model(const mtl::TaskModel& like, const std::string& graph, const std::string& trainer_bytes);

// {TASK: {METRIC: value or null}}.
Json metrics_json(const mtl::Evaluation& evaluation, const std::vector<mtl::Task>& tasks);

}  // namespace tenfold::mtl_prune
