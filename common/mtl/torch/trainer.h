// Trains a graph on a data set: what `train` of both tools, and `prune --finetune`, `iterate`, `retrain` of mtl-prune go through.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mtl/dataset.h"
#include "mtl/torch/evaluate.h"
#include "mtl/torch/executor.h"
#include "mtl/torch/losses.h"
#include "mtl/torch/network.h"
#include "mtl/torch/optimiser.h"

namespace tenfold::mtl {

struct TrainSettings {
  OptimiserSettings optimiser;
  std::string schedule = "cosine";  // cosine: lr/2 (1 + cos(pi s/horizon)); step: lr/2^(3s/horizon, whole part); const
  std::string weights = "equal";  // the losses' weights, times each task's own: equal; uw: sum L_i/(2e^s_i) + s_i/2, s_i
                                  // trained; dwa: T softmax(r_i/2), r_i = L_i of the last epoch over that of the one before
  std::int64_t steps = 4000;
  std::int64_t horizon = 0;  // steps of the schedule; 0: `steps`
  int batch = 8;
  double lr = 1e-3;
  bool augment = false;
};

// Images in the model's convention, and labels by task.
struct Batch {
  at::Tensor images;
  std::vector<LabelBatch> labels;
};

Batch make_batch(const std::vector<const Sample*>& samples, const TaskModel& model);
Batch make_batch(const std::vector<std::shared_ptr<const Sample>>& samples, const TaskModel& model);

// What one step is to differentiate: sum over tasks of weights[i] L_i, on this batch.
struct Problem {
  const Executor& executor;
  const std::vector<Task>& tasks;
  const std::vector<int>& output_of_task;
  const Batch& batch;
  const std::vector<double>& weights;  // by task
  RunHooks hooks;  // train mode, dropout's seed

  // The task's loss given its output; undefined where no image has a valid label.
  at::Tensor loss(std::size_t task, const at::Tensor& output) const;
};

struct Gradients {
  std::vector<double> losses;  // by task; NaN where absent
  std::map<std::string, at::Tensor> total;  // of the weighted sum, by parameter; those without one are left out
};

// One backward pass of the weighted sum.
Gradients differentiate(const Problem& problem);

class Trainer {
 public:
  // Throws Error usage for an optimiser, schedule or weighting that is none.
  Trainer(TaskModel model, const TrainSettings& settings, std::uint64_t seed);

  struct StepResult {
    double total = 0;  // weighted sum of the losses that are there
    std::vector<double> losses;  // NaN where absent
    bool finite = true;  // false: a loss or gradient was not, and no weight has changed
  };
  using Differentiate = std::function<Gradients(const Problem&)>;

  // One step on the next batch: indices by a keyed permutation of every epoch, the incomplete batch at its end left out.
  // Items that cannot be read are left out of their batch and listed. `how` stands in for differentiate(): the streaming scorer's
  // place. Throws Error input if no item of the batch can be read.
  StepResult step(const DataSet& data, const Differentiate& how = {});

  std::int64_t steps_done() const;
  double lr() const;  // of the next step
  const std::vector<Fault>& faults() const;
  Executor& executor();
  OptimiserState& optimiser();
  const TrainSettings& settings() const;
  const TaskModel& model() const;  // weights as they were at first
  TaskModel snapshot() const;  // with the weights of now

  // The same steps go on after: moments and counters stay, graph and weights are exchanged (channels were removed).
  void replace(TaskModel model, OptimiserState state);

  // Safetensors bytes: weights, moments, counters. What restore() then goes on with gives the same bytes as going on here.
  std::string save() const;
  void restore(const std::string& bytes);

 private:
  struct Contents;
  std::shared_ptr<Contents> contents_;
};

}  // namespace tenfold::mtl
