// Grading draws against exact values: how far each figure of a run is off, in Monte Carlo standard errors put on the scale of a
// normal variable.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "hmc-marg/exact.h"
#include "hmc-marg/summary.h"

namespace tenfold::hmc_marg {

// Means by the draws, standard deviations by their squared distances from the exact mean, quantiles by the part of the draws at
// or below the exact one (a difference of quantiles would be divided by a local width, which is noise). NaN where the exact value
// or an effective sample size is not to be had.
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

// Kept parameters of at most `most` draws, evenly spread over the chains, unconstrained [d each]: for integrate(). Draws that lie
// on a bound by rounding are passed over.
std::vector<std::vector<double>> free_draws(const Model& model, const Marginal& marginal, const ChainDraws& draws,
                                            std::size_t most);

struct Verdict {
  int compared = 0;  // z-scores that are numbers
  double max_abs_z = 0;
  std::string worst;  // "mean of theta.3"
  double limit = 0;  // that the largest of so many independent z-scores exceeds with probability 5 % (Bonferroni)
  bool difference_shown = false;
};
Verdict judge(const ExactResult& exact, const std::vector<Grade>& grades);

}  // namespace tenfold::hmc_marg
