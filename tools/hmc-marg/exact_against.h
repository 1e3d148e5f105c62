// Grading draws against exact values: how many Monte Carlo standard errors each figure of a run is off.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "hmc-marg/exact.h"
#include "hmc-marg/summary.h"

namespace tenfold::hmc_marg {

// z = (figure of the draws - exact figure) / its Monte Carlo standard error; NaN where one of the three is not to be had.
struct Grade {
  double mean = std::numeric_limits<double>::quiet_NaN(), sd = mean, q5 = mean, q50 = mean, q95 = mean;
};

// One grade a quantity. Unconstrained values are computed from the constrained ones of a parameter whose bounds are numbers.
std::vector<Grade> grade(const Model& model, const ExactResult& exact, const ChainDraws& draws, int threads);

struct Verdict {
  int compared = 0;       // z-scores that are numbers
  double max_abs_z = 0;
  std::string worst;      // "mean of theta.3"
  double limit = 0;       // that the largest of so many independent z-scores exceeds with probability 5 % (Bonferroni)
  bool difference_shown = false;
};
Verdict judge(const ExactResult& exact, const std::vector<Grade>& grades);

}  // namespace tenfold::hmc_marg
