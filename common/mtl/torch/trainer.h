// Trains a graph on a data set: what `train` of both tools, and `prune --finetune`, `iterate`, `retrain` of mtl-prune go through.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mtl/dataset.h"
#include "mtl/torch/executor.h"
#include "mtl/torch/network.h"

namespace tenfold::mtl {

struct TrainSettings {
  std::string optimiser = "adamw";  // adamw | adam | sgd
  std::string schedule = "cosine";  // cosine | step | const
  std::string weights = "equal";  // equal | uw | dwa (the losses' weights; a task's own weight multiplies)
  int steps = 4000;
  int batch = 8;
  double lr = 1e-3;
  double weight_decay = 1e-2;
  double beta1 = 0.9, beta2 = 0.999, momentum = 0.9;
  bool augment = false;  // MTAN's scale-crop-flip: depth / scale, n_x negated
};

// Moments by parameter name, sliced like the weights when channels are removed.
struct OptimiserState {
  std::int64_t step = 0;
  std::map<std::string, std::vector<at::Tensor>> moments;
};

class Trainer {
 public:
  Trainer(TaskModel model, const TrainSettings& settings, std::uint64_t seed);

  // One step on the next batch: indices by a keyed permutation per epoch. Returns each task's batch loss (null where absent).
  struct StepResult {
    double total = 0;
    std::vector<double> losses;  // NaN where absent
  };
  // `scored` (may be empty) sees each task's loss before the update with the graph alive: the streaming scorer's place.
  StepResult step(const DataSet& data, const std::function<void(Executor&, const std::vector<at::Tensor>& losses)>& scored = {});

  std::int64_t steps_done() const;
  Executor& executor();
  OptimiserState& optimiser();
  TaskModel snapshot() const;  // model with the weights of now

  std::string save() const;  // safetensors bytes: weights, moments, counters
  void restore(const std::string& bytes);

 private:
  struct Contents;
  std::shared_ptr<Contents> contents_;
};

// Losses and metrics of every task over (at most `limit` of) a set, eval mode.
struct Evaluation {
  std::vector<double> loss;  // mean over images that have one; NaN where none
  std::vector<std::vector<struct MetricValue>> metrics;
  std::vector<std::int64_t> absent;
  std::size_t images = 0;
  std::vector<Fault> faults;
};
Evaluation evaluate(const Network& network, const DataSet& data, std::size_t limit, int threads);

}  // namespace tenfold::mtl
