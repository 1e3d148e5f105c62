// Quantiles of a sampled density, whose error falls exponentially with the step.
#include "hmc-marg/exact_axis.h"

#include <doctest/doctest.h>

#include <cmath>
#include <utility>
#include <vector>

using namespace tenfold::hmc_marg;

// The interpolant lacks what the density's spectrum has beyond pi / step.
TEST_CASE("a sampled normal density has the normal's distribution function") {
  for (const auto& [step, tolerance] : {std::pair(0.5, 1e-9), std::pair(0.25, 1e-13)}) {
    std::vector<double> density;
    const int n = static_cast<int>(9.5 / step);
    for (int k = -n; k <= n; ++k) density.push_back(7 * std::exp(-0.5 * std::pow(step * k + 0.1, 2)));
    const AxisDistribution d(density, -step * n + 0.1, step);
    CHECK(std::fabs(d.quantile(0.05) + 1.6448536269514722) < 10 * tolerance);
    CHECK(std::fabs(d.quantile(0.5)) < 10 * tolerance);
    CHECK(std::fabs(d.quantile(0.975) - 1.959963984540054) < 20 * tolerance);
    for (const double x : {-2.0, -0.4, 0.3, 1.7}) CHECK(std::fabs(d.below(x) - 0.5 * std::erfc(-x / std::sqrt(2.0))) < tolerance);
  }
}

TEST_CASE("a skewed density: the logarithm of an exponential variable") {
  std::vector<double> density;
  const double step = 0.125;
  for (int k = 0; k <= 400; ++k) {
    const double q = -45 + step * k;
    density.push_back(std::exp(q - std::exp(q)));
  }
  const AxisDistribution d(density, -45, step);
  for (const double p : {0.05, 0.5, 0.95}) CHECK(std::fabs(d.quantile(p) - std::log(-std::log1p(-p))) < 1e-12);
}
