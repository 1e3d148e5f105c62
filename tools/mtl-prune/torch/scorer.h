// Scores of a network's units on data: T backward passes a mini-batch, or a training step and its scores in the same passes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/run.h"
#include "mtl-prune/gradient_scores.h"
#include "mtl-prune/torch/task_gradients.h"
#include "mtl/dataset.h"

namespace tenfold::mtl_prune {

struct ScorerSettings {
  Couple couple = Couple::mean;
  bool stream = true;
  bool activity = true;  // count what consumers see, for apoz and dead units
};

// Keeps references to model and units, which must outlive it.
class Scorer {
 public:
  Scorer(const mtl::TaskModel& model, const Units& units, const ScorerSettings& settings);

  // One mini-batch; a loss that is not finite leaves it out (counted). `total`: the gradients of the weighted sum come along.
  mtl::Gradients add(const mtl::Problem& problem, bool total = false);

  ScoreTable table() const;

  std::vector<double> state() const;
  void restore(const std::vector<double>& state);

 private:
  void take(const mtl::Executor& executor, const std::string& parameter, const std::vector<at::Tensor>& by_task,
            BatchStatistics& batch) const;
  void look(int node, const at::Tensor& input);

  const Units& units_;
  const mtl::TaskModel& model_;
  ScorerSettings settings_;
  std::map<std::string, std::vector<int>> filters_, consumers_;  // dimensions by parameter
  std::vector<bool> reads_;                                      // by node: a consumer's
  GradientScores scores_;
  std::int64_t skipped_ = 0, forward_ = 0, backward_ = 0;
  std::vector<std::int64_t> absent_;
};

struct ScoreSettings {
  std::vector<std::string> criteria;  // of gradients, as check_criterion names them
  int batches = 64;
  int batch = 8;
  bool stream = true;
  Couple couple = Couple::mean;
  bool wide = false;  // float64
};

// One shot: eval mode, on mini-batches in the order of a keyed permutation (run.seed()); a set of fewer images is gone through
// once, with a warning. Throws Error usage for a criterion of conflict with one task alone, input if over half of the batches
// have a loss that is not finite (they are left out, and listed among the table's faults).
ScoreTable score_units(const mtl::TaskModel& model, const Units& units, const mtl::DataSet& data, const ScoreSettings& settings,
                       cli::Run& run);

}  // namespace tenfold::mtl_prune
