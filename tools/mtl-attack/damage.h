// Damage: the relative loss change of each task, and their mean J.
//
//     r_i(x') = (L_i(x') - L_i(x)) / max(L_i(x), tau_i),   J(x') = mean of r_i over the tasks whose loss is present
//
// tau_i, the floor, is a thousandth of the set's mean clean loss: without it a loss that vanishes on one image would decide all.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "mtl-attack/rule.h"

namespace tenfold::mtl_attack {

// What one image brings: losses of the clean image, and which are there (a task without a valid pixel has none).
struct CleanImage {
  std::vector<double> loss;   // [T]
  std::vector<bool> present;  // [T]
};

// Of a data set, by task: NaN where no image has the task.
struct LossScale {
  std::vector<double> mean;   // mean clean loss over the images that have one
  std::vector<double> floor;  // tau_i
};
LossScale loss_scale(const std::vector<CleanImage>& images, std::size_t tasks, double loss_floor);

double denominator(const CleanImage& clean, const LossScale& scale, std::size_t task);

// r_i, NaN for absent tasks.
std::vector<double> relative_change(std::span<const double> losses, const CleanImage& clean, const LossScale& scale);

// J and the least r_i over the tasks that are there; NaN where none is.
double mean_present(std::span<const double> r);
double least_present(std::span<const double> r);
// J with the set's mean clean losses as denominators.
double damage_by_dataset(std::span<const double> losses, const CleanImage& clean, const LossScale& scale);

// What apgd, --keep best and restarts maximise.
struct Objective {
  enum class Kind { mean, total, single, worst, protect } kind = Kind::mean;
  int task = -1;
  std::vector<bool> protect;

  double operator()(std::span<const double> losses, const CleanImage& clean, const LossScale& scale) const;
};

// The rule's own: total sums losses, single takes one, worst the least r_i, protect the mean of the attacked r_i, all others J.
// `text`, unless "auto", overrides: J, total, worst, single:TASK. Throws Error usage.
Objective objective_of(const Rule& rule, std::string_view text, const std::vector<std::string>& tasks);

// The loss weights of the one-pass rules at losses L(x_k): w_i = 1 / max(D_i, tau_i) for gb, divided by the first present one, so
// that a task alone gets exactly 1. `unit` is what they were divided by.
struct PassWeights {
  std::vector<double> w;
  double unit = 1;
  std::vector<bool> floored;  // by task: tau_i stood in
};
PassWeights pass_weights(const Rule& rule, Denominator denominator, std::span<const double> losses, const CleanImage& clean,
                         const LossScale& scale);

}  // namespace tenfold::mtl_attack
