// How the tasks' losses are weighted while training: equal, by uncertainty (Kendall et al. 2018: trained with the network), or by
// dynamic weight averaging (Liu et al. 2019, MTAN).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mtl/tasks.h"

namespace tenfold::mtl {

class LossWeights {
 public:
  LossWeights(std::string kind, const std::vector<Task>& tasks);

  void begin_step(std::int64_t step, std::int64_t batches_per_epoch);  // dwa changes at the beginning of an epoch
  std::vector<double> values() const;  // what each loss is multiplied with now
  // uw: the parameters s [T] and their gradients, so that the optimiser trains them too.
  void add_gradients(const std::vector<double>& losses, std::map<std::string, at::Tensor>& parameters,
                     std::map<std::string, at::Tensor>& gradients) const;
  void end_step(const std::vector<double>& losses);

  std::map<std::string, at::Tensor> save() const;
  void restore(const std::map<std::string, at::Tensor>& state);

 private:
  std::string kind_;
  std::vector<double> own_;  // the tasks' own weights
  at::Tensor log_variance_;  // uw: s [T]
  at::Tensor dwa_;  // dwa: [4, T] sums and counts of this epoch, means of the last two
};

}  // namespace tenfold::mtl
