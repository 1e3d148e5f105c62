// Random variates: see the header for the methods.
#include "hmc-marg/random_variates.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/philox.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/kernels.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg {
namespace {

// log k! - (Stirling's approximation of it).
double stirling_error(double k) { return log_gamma(k + 1) - (kHalfLog2Pi + (k + 0.5) * std::log(k + 1) - (k + 1)); }

double poisson_by_inversion(double mean, PhiloxStream& random) {
  double p = std::exp(-mean), u = random.uniform();
  int k = 0;
  while (u > p && k < 1000) {
    u -= p;
    ++k;
    p *= mean / k;
  }
  return k;
}

double poisson_by_rejection(double mean, PhiloxStream& random) {
  const double root = std::sqrt(mean), log_mean = std::log(mean);
  const double b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = random.uniform() - 0.5, v = random.uniform();
    const double us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v) + std::log(inverse_alpha) - std::log(a / (us * us) + b) <= -mean + k * log_mean - log_gamma(k + 1)) return k;
  }
}

double binomial_by_inversion(double n, double p, PhiloxStream& random) {
  const double odds = p / (1 - p);
  double mass = std::exp(n * std::log1p(-p)), u = random.uniform();
  double k = 0;
  while (u > mass && k < n) {
    u -= mass;
    k += 1;
    mass *= odds * (n - k + 1) / k;
  }
  return k;
}

double binomial_by_rejection(double n, double p, PhiloxStream& random) {
  const double spread = std::sqrt(n * p * (1 - p));
  const double b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p, c = n * p + 0.5;
  const double v_r = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread, odds = p / (1 - p);
  const double mode = std::floor((n + 1) * p);
  for (;;) {
    const double u = random.uniform() - 0.5;
    double v = random.uniform();
    const double us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + c);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || k > n) continue;
    v = std::log(v * alpha / (a / (us * us) + b));
    const double bound = (mode + 0.5) * std::log((mode + 1) / (odds * (n - mode + 1))) +
                         (n + 1) * std::log((n - mode + 1) / (n - k + 1)) + (k + 0.5) * std::log(odds * (n - k + 1) / (k + 1)) +
                         stirling_error(mode) + stirling_error(n - mode) - stirling_error(k) - stirling_error(n - k);
    if (v <= bound) return k;
  }
}

// One trial of Marsaglia and Tsang: with d = shape - 1/3, y = x / (3 sqrt d), v = (1 + y)^3 the draw d v is taken where
// log u < f = x^2/2 + d (1 - v + log v). As a series in y, f = d (-3/4 y^4 + 3/5 y^5 - 1/2 y^6 ...) >= -x^4 / (108 d min(1, 1 +
// y)), which decides without a logarithm in all but 1 / (36 d) of all cases; the constant bound 1 - 0.0331 x^4 of the paper
// leaves one in ten, and for d beyond 1e9 the exact test is all rounding.
struct GammaPoint {
  double shape, x, u, t, value;
  bool certain;
  GammaPoint(double of_shape, double normal, double uniform) : shape(of_shape), x(normal), u(uniform) {
    const double d = shape - 1.0 / 3;
    t = 1 + x / std::sqrt(9 * d);
    value = d * (t * t * t);
    const double square = x * x;
    certain = square * square < 108 * d * (1 - u) * std::min(1.0, t);  // never where t <= 0
  }
  bool accepted() const {
    const double d = shape - 1.0 / 3;
    return t > 0 && std::log(u) < 0.5 * x * x + d - value + 3 * d * std::log(t);
  }
};

}  // namespace

double draw_exponential(PhiloxStream& random) { return -std::log(random.uniform()); }

double draw_gamma(double shape, PhiloxStream& random) {
  if (shape < 1) return std::exp(draw_log_gamma(shape, random));
  for (;;) {
    const double x = random.normal();
    const GammaPoint point(shape, x, random.uniform());
    if (point.certain || point.accepted()) return point.value;
  }
}

void draw_gammas(std::span<const double> shape, PhiloxStream& random, std::span<double> out) {
  static const auto trials = kernels(best_instruction_set()).gamma_trials;
  constexpr std::size_t kAtOnce = 64;
  double shapes[kAtOnce], normal[kAtOnce], uniform[kAtOnce], value[kAtOnce], certain[kAtOnce];
  for (std::size_t begin = 0; begin < out.size(); begin += kAtOnce) {
    const std::size_t n = std::min(kAtOnce, out.size() - begin), whole = (n + 7) / 8 * 8;
    std::copy_n(shape.data() + begin, n, shapes);
    random.normals({normal, n});
    random.uniforms({uniform, n});
    for (std::size_t i = n; i < whole; ++i) shapes[i] = normal[i] = uniform[i] = 1;
    trials(shapes, normal, uniform, value, certain, whole);
    for (std::size_t i = 0; i < n; ++i) {
      const bool taken = shapes[i] >= 1 && (certain[i] != 0 || GammaPoint(shapes[i], normal[i], uniform[i]).accepted());
      out[begin + i] = taken ? value[i] : draw_gamma(shapes[i], random);
    }
  }
}

void draw_betas(std::span<const double> a, std::span<const double> b, PhiloxStream& random, std::span<double> out) {
  constexpr std::size_t kAtOnce = 32;
  double shape[2 * kAtOnce], gamma[2 * kAtOnce];
  for (std::size_t begin = 0; begin < out.size(); begin += kAtOnce) {
    const std::size_t n = std::min(kAtOnce, out.size() - begin);
    for (std::size_t i = 0; i < n; ++i) {
      shape[i] = std::max(a[begin + i], 1.0);  // those below 1 are drawn again
      shape[n + i] = std::max(b[begin + i], 1.0);
    }
    draw_gammas({shape, 2 * n}, random, {gamma, 2 * n});
    for (std::size_t i = 0; i < n; ++i) out[begin + i] = gamma[i] / (gamma[i] + gamma[n + i]);
    for (std::size_t i = begin; i < begin + n; ++i)
      if (!(a[i] >= 1 && b[i] >= 1)) out[i] = draw_beta(a[i], b[i], random);
  }
}

double draw_log_gamma(double shape, PhiloxStream& random) {
  if (shape >= 1) return std::log(draw_gamma(shape, random));
  const double above = std::log(draw_gamma(shape + 1, random));
  return above + std::log(random.uniform()) / shape;
}

double draw_beta(double a, double b, PhiloxStream& random) {
  if (a >= 1 && b >= 1) {
    const double x = draw_gamma(a, random), y = draw_gamma(b, random);
    return x / (x + y);
  }
  const double x = draw_log_gamma(a, random), y = draw_log_gamma(b, random);
  return inv_logit(x - y);
}

double draw_poisson(double mean, PhiloxStream& random) {
  if (!(mean >= 0) || mean > 1073741824.0) return kNaN;
  if (mean == 0) return 0;
  return mean < 10 ? poisson_by_inversion(mean, random) : poisson_by_rejection(mean, random);
}

double draw_binomial(double trials, double probability, PhiloxStream& random) {
  if (!(trials >= 0) || !(probability >= 0 && probability <= 1)) return kNaN;
  if (trials == 0 || probability == 0) return 0;
  if (probability == 1) return trials;
  const bool flip = probability > 0.5;
  const double p = flip ? 1 - probability : probability;
  const double k = trials * p < 10 ? binomial_by_inversion(trials, p, random) : binomial_by_rejection(trials, p, random);
  return flip ? trials - k : k;
}

}  // namespace tenfold::hmc_marg
