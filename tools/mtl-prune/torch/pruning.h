// The steps that prune, apply, demo and verify are made of.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/run.h"
#include "mtl-prune/options.h"
#include "mtl-prune/plan.h"
#include "mtl-prune/scores.h"
#include "mtl-prune/select.h"
#include "mtl-prune/torch/certificate.h"
#include "mtl-prune/torch/source.h"
#include "mtl/torch/evaluate.h"

namespace tenfold::mtl_prune {

// Scores by these criteria: of weights at once, of gradients on the train split. Throws Error usage where a criterion needs data
// or tasks that are not there.
ScoreTable gather_scores(const Source& source, const std::vector<std::string>& criteria, const ScoringOptions& options,
                         cli::Run& run);

struct Pruned {
  Plan plan;
  mtl::TaskModel model;
  Certificate certificate;
  mtl::Cost cost;
};

// Removes what the plan drops, and takes the certificate on 4 images of noise and 4 of the data (8 of noise without data), at two
// sizes where the model takes a second one. Throws Error machine if it does not hold: that is a fault of this program.
Pruned remove_and_certify(const Source& source, Plan plan, std::uint64_t seed);
Certificate certify_plan(const Source& source, const mtl::TaskModel& small, const Plan& plan, std::uint64_t seed);

struct FinetuneSettings {
  std::int64_t steps = 0;
  double lr = 1e-3;
  int batch = 8;
};
// AdamW, cosine to 0. Logs a line each tenth of the steps under `what`. Throws Error infeasible where a loss is not finite.
mtl::TaskModel finetune(const mtl::TaskModel& model, const mtl::DataSet& train, const FinetuneSettings& settings,
                        const std::string& what, cli::Run& run);

// The model's files below `folder` of the run's directory ("" or "cosprune/"): pruned.mtg.json, pruned.safetensors, pruned.pt
// (the user's own module rewritten, or a generated one), plan.json. Returns their names.
std::vector<std::string> write_model_files(const Source& source, const Pruned& pruned, const mtl::TaskModel& final_model,
                                           const std::vector<std::string>& exports, const std::string& folder, cli::Run& run);

// Fields of results.
Json cost_json(const mtl::TaskModel& model, const mtl::Cost& cost);
Json certificate_json(const Certificate& certificate);
Json sets_json(const Source& source, const Plan& plan);
Json scoring_json(const Source& source, const ScoreTable& scores);
Json conflict_json(const Source& source, const ScoreTable& scores);  // mean cosine by trunk set and pair of tasks
// {TASK: {"metrics_before", "metrics_after", "loss_before", "loss_after", "metrics_pruned", "loss_pruned"}}; pruned: null where
// no training followed.
Json tasks_json(const mtl::TaskModel& model, const mtl::Evaluation& before, const mtl::Evaluation* pruned,
                const mtl::Evaluation& after);

}  // namespace tenfold::mtl_prune
