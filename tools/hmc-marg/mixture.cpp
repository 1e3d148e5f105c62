// The distribution function of a mixture, and its inverse.
#include "hmc-marg/mixture.h"

#include <algorithm>
#include <cmath>

#include "hmc-marg/densities.h"
#include "hmc-marg/gamma_ratio.h"

namespace tenfold::hmc_marg {
namespace {

constexpr double kBeyond = 8.5;  // Phi(-8.5) < 1e-17
constexpr double kNewtonEnough =
    1e-8;  // in probability: what is left after one more step of Newton's is of the order of its square
const double kRootHalf = std::sqrt(0.5);
const double kDensity = std::exp(-kHalfLog2Pi);

MixturePoint evaluate_normal(const Mixture& m, double at) {
  double below = 0, density = 0, total = 0;
  for (std::size_t i = 0; i < m.weight.size(); ++i) {
    const double w = m.weight[i], d = at - m.first[i], s = m.second[i];
    total += w;
    if (d > kBeyond * s) {
      below += w;
    } else if (d >= -kBeyond * s) {
      if (s == 0) {  // at the very point
        below += w;
        continue;
      }
      const double t = d / s;
      below += w * 0.5 * std::erfc(-t * kRootHalf);
      density += w * kDensity * std::exp(-0.5 * t * t) / s;
    }
  }
  return {below / total, density / total};
}

Density density_of(MixtureFamily family) {
  return family == MixtureFamily::gamma       ? Density::gamma
         : family == MixtureFamily::inv_gamma ? Density::inv_gamma
                                              : Density::beta;
}

struct Bracket {
  double low = kInfinity, high = -kInfinity;
};

// Normal components reach so far; the other families lie above 0, a beta below 1, the rest is found by doubling.
Bracket bracket(const Mixture& m, double p, double guess) {
  Bracket b;
  if (m.family == MixtureFamily::normal) {
    for (std::size_t i = 0; i < m.weight.size(); ++i) {
      if (!(m.weight[i] > 0)) continue;
      b.low = std::min(b.low, m.first[i] - kBeyond * m.second[i]);
      b.high = std::max(b.high, m.first[i] + kBeyond * m.second[i]);
    }
    return b;
  }
  b = {0, 1};
  if (m.family == MixtureFamily::beta) return b;
  if (guess > 0) b.high = 2 * guess;
  while (b.high < 1e300 && evaluate(m, b.high).below < p) b.high *= 2;
  while (b.high > 1e-300 && evaluate(m, b.high / 2).below >= p) b.high /= 2;
  b.low = b.high / 2;
  return b;
}

}  // namespace

MixturePoint evaluate(const Mixture& m, double at) {
  if (m.family == MixtureFamily::normal) return evaluate_normal(m, at);
  const Density family = density_of(m.family);
  double below = 0, density = 0, total = 0;
  for (std::size_t i = 0; i < m.weight.size(); ++i) {
    const double w = m.weight[i], x[kMaxDensityArguments] = {at, m.first[i], m.second[i], 0};
    total += w;
    below += w * std::exp(log_cdf(family, x));
    density += w * std::exp(info(family).log_density(x));
  }
  return {below / total, density / total};
}

double quantile(const Mixture& m, double p, double guess) {
  double total = 0;
  for (std::size_t i = 0; i < m.weight.size(); ++i) {
    if (!(m.weight[i] > 0)) continue;
    if (!std::isfinite(m.first[i]) || !std::isfinite(m.second[i])) return kNaN;
    total += m.weight[i];
  }
  if (!(total > 0)) return kNaN;
  Bracket b = bracket(m, p, guess);
  const double resolution = 1e-15 * std::max({std::fabs(b.low), std::fabs(b.high), 1e-300});
  double x = guess > b.low && guess < b.high ? guess : 0.5 * (b.low + b.high);
  for (int i = 0; i < 200 && b.high - b.low > resolution; ++i) {
    const MixturePoint at = evaluate(m, x);
    (at.below < p ? b.low : b.high) = x;
    const double step = at.density > 0 ? (p - at.below) / at.density : kInfinity;
    if (std::fabs(p - at.below) < kNewtonEnough && std::isfinite(step)) return x + step;
    x = x + step > b.low && x + step < b.high ? x + step : 0.5 * (b.low + b.high);
  }
  return x;
}

}  // namespace tenfold::hmc_marg
