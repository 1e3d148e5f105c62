// Grading draws against exact values: how many Monte Carlo standard errors each figure of a run is off.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "hmc-marg/exact.h"
#include "hmc-marg/summary.h"

namespace tenfold::hmc_marg {

// z = (figure of the draws - exact figure) / its Monte Carlo standard error; NaN where one of the three is not to be had.
struct Grade {
  double mean = std::numeric_limits<double>::quiet_NaN(), sd = mean, q5 = mean, q50 = mean, q95 = mean;
  double rb_mean = mean;  // of the mean from conditionals, in its own standard errors
};

// A run's rb_mean and rb_mcse of a column.
struct ConditionalMean {
  double mean = 0, mcse = 0;
};
using ConditionalMeans = std::map<std::string, ConditionalMean>;

// One grade a quantity. Unconstrained values are computed from the constrained ones of a parameter whose bounds are numbers. A
// conditional mean's error is often far below that of its draws: to it 1e-7 standard deviations are added, the quadrature's.
std::vector<Grade> grade(const Model& model, const ExactResult& exact, const ChainDraws& draws, int threads,
                         const ConditionalMeans& conditional_means = {});

struct Verdict {
  int compared = 0;       // z-scores that are numbers
  double max_abs_z = 0;
  std::string worst;      // "mean of theta.3"
  double limit = 0;       // that the largest of so many independent z-scores exceeds with probability 5 % (Bonferroni)
  bool difference_shown = false;
};
Verdict judge(const ExactResult& exact, const std::vector<Grade>& grades);

}  // namespace tenfold::hmc_marg
