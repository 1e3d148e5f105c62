// Each task's gradients of every weight from one forward pass. Streamed: the nodes are walked in reverse with T output gradients
// in hand, one local vector-Jacobian product per node and task, so that only one layer's T weight gradients exist at a time.
// Unstreamed, the reference: T calls of autograd on the whole graph.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <vector>

#include "mtl/torch/trainer.h"

namespace tenfold::mtl_prune {

struct TaskGradients {
  // Once per parameter, when the gradients of all its uses are summed: by task, undefined where the loss does not depend on it.
  std::function<void(const std::string& parameter, const std::vector<at::Tensor>& by_task)> parameter;
  // What a node reads as its first operand, before it runs.
  std::function<void(int node, const at::Tensor& input)> read;
};

struct PassResult {
  std::vector<double> losses;  // by task; NaN where absent, infinite where not finite
  std::map<std::string, at::Tensor> total;  // of the weighted sum, if asked for
  std::int64_t backward_passes = 0;
};

// Weights must require gradients. With a loss that is not finite no gradient is taken. `total`: also sum the weighted gradients
// of every parameter, which is what a training step needs. Both agree to rounding.
PassResult stream_gradients(const mtl::Problem& problem, const TaskGradients& sink, bool total);
PassResult whole_gradients(const mtl::Problem& problem, const TaskGradients& sink, bool total);

}  // namespace tenfold::mtl_prune
