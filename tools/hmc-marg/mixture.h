// Quantiles of a mixture with many components of one family: the marginal of an eliminated scalar, a component for each value of
// the kept parameters.
#pragma once

#include <cstdint>
#include <span>

namespace tenfold::hmc_marg {

enum class MixtureFamily : std::uint8_t { normal, gamma, inv_gamma, beta };

// Spans of one length, one entry a component; weights are nonnegative and need not sum to 1.
struct Mixture {
  MixtureFamily family = MixtureFamily::normal;
  std::span<const double> weight;
  std::span<const double> first, second;  // mean, sd (0: a point) | shape, rate | shape, scale | a, b
};

struct MixturePoint {
  double below = 0;    // P(x <= at)
  double density = 0;  // at `at`; components of sd 0 have none
};
MixturePoint evaluate(const Mixture& mixture, double at);

// The x with P(X <= x) = p, 0 < p < 1: bisection of the distribution function, with Newton's step where that stays inside the
// bracket. `guess` saves evaluations where it is near; NaN: none. NaN for no component or NaN in one.
double quantile(const Mixture& mixture, double p, double guess);

}  // namespace tenfold::hmc_marg
