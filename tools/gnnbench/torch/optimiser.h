// Adam over a model's parameters, as LibTorch's with its defaults; its moments as named tensors; and the reduction of gradients
// over workers.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gnnbench/torch/parameters.h"
#include "gnnbench/train_options.h"
#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

class Optimiser {
 public:
  // L2 decay `wd` of all parameters or of those of the first layer.
  Optimiser(Parameters& parameters, double lr, double wd, DecayScope scope);

  void zero_gradients();
  // Sums the gradients over the workers as one flat vector. A parameter that no loss reached has zeros.
  void reduce(Transport* transport);
  void step();

  // For each parameter p: p.exp_avg, p.exp_avg_sq, p.step (int64 [1]); nothing before the first step.
  std::vector<std::pair<std::string, torch::Tensor>> state() const;
  // Throws Error(input) where something is missing.
  void restore(const std::vector<std::pair<std::string, torch::Tensor>>& state, const std::string& file);

 private:
  struct Moments {
    torch::Tensor mean, square;  // exp_avg, exp_avg_sq; undefined before the first step
    std::int64_t step = 0;
  };
  double decay(const Parameter& p) const { return scope_ == DecayScope::all || p.spec.layer == 0 ? wd_ : 0; }

  Parameters& parameters_;
  double lr_, wd_;
  DecayScope scope_;
  std::vector<Moments> moments_;  // of parameters_.all()
};

}  // namespace tenfold::gnnbench
