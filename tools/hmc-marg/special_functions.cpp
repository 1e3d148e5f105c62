// Special functions of one scalar or two; see the header.
#include "hmc-marg/special_functions.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace tenfold::hmc_marg {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kHalfLogTwoPi = 0.91893853320467274178;
constexpr double kStirlingFrom = 10;  // the series below has relative error < 1e-17 of log Gamma from here on

// log Gamma(x) - [(x - 1/2) log x - x + 1/2 log 2 pi], x >= 10: Stirling's series (DLMF 5.11.1).
double stirling_remainder(double x) {
  const double z = 1 / (x * x);
  return (1. / 12 - z * (1. / 360 - z * (1. / 1260 - z * (1. / 1680 - z * (1. / 1188 - z * (691. / 360360 - z * (1. / 156))))))) /
         x;
}

// Wichura's AS 241 (PPND16): relative error about 1e-16.
double quantile_as241(double p) {
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q *
           (((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r +
                4.5921953931549871457e4) *
                   r +
               1.3731693765509461125e4) *
                  r +
              1.9715909503065514427e3) *
                 r +
             1.3314166789178437745e2) *
                r +
            3.387132872796366608) /
           (((((((5.226495278852545925e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r +
                2.1213794301586595867e4) *
                   r +
               5.3941960214247511077e3) *
                  r +
              6.8718700749205790830e2) *
                 r +
             4.2313330701600911252e1) *
                r +
            1);
  }
  double r = std::sqrt(-std::log(q < 0 ? p : 1 - p));
  double x;
  if (r <= 5) {
    r -= 1.6;
    x = (((((((7.7454501427834140764e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r +
             1.27045825245236838258) *
                r +
            3.64784832476320460504) *
               r +
           5.76949722146069140550) *
              r +
          4.63033784615654529590) *
             r +
         1.42343711074968357734) /
        (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 1.51986665636164571966e-2) * r +
             1.48103976427480074590e-1) *
                r +
            6.89767334985100004550e-1) *
               r +
           1.67638483018380384940) *
              r +
          2.05319162663775882187) *
             r +
         1);
  } else {
    r -= 5;
    x = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r +
             2.65321895265761230930e-2) *
                r +
            2.96560571828504891230e-1) *
               r +
           1.78482653991729133580) *
              r +
          5.46378491116411436990) *
             r +
         6.65790464350110377720) /
        (((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r +
             7.86869131145613259100e-4) *
                r +
            1.48753612908506148525e-2) *
               r +
           1.36929880922735805310e-1) *
              r +
          5.99832206555887937690e-1) *
             r +
         1);
  }
  return q < 0 ? -x : x;
}

}  // namespace

double log_gamma(double x) {
  int sign;
  return ::lgamma_r(x, &sign);
}

double digamma(double x) {
  if (x <= 0) {
    if (x == std::floor(x)) return kNaN;
    return digamma(1 - x) - std::numbers::pi / std::tan(std::numbers::pi * x);
  }
  double shifted = 0;
  for (; x < kStirlingFrom; x += 1) shifted -= 1 / x;
  const double z = 1 / (x * x);
  return shifted + std::log(x) - 0.5 / x -
         z * (1. / 12 - z * (1. / 120 - z * (1. / 252 - z * (1. / 240 - z * (1. / 132 - z * (691. / 32760 - z * (1. / 12)))))));
}

double trigamma(double x) {
  if (x <= 0) {
    if (x == std::floor(x)) return kInfinity;
    const double s = std::numbers::pi / std::sin(std::numbers::pi * x);
    return s * s - trigamma(1 - x);
  }
  double shifted = 0;
  for (; x < kStirlingFrom; x += 1) shifted += 1 / (x * x);
  const double z = 1 / (x * x);
  return shifted + 1 / x + z / 2 +
         z / x * (1. / 6 - z * (1. / 30 - z * (1. / 42 - z * (1. / 30 - z * (5. / 66 - z * (691. / 2730 - z * (7. / 6)))))));
}

double log_beta(double a, double b) {
  const double x = a < b ? a : b;
  const double y = a < b ? b : a;
  if (!(y >= kStirlingFrom) || !(x > 0) || y == kInfinity) {
    if (x == 0) return kInfinity;
    if (x > 0 && y == kInfinity) return -kInfinity;
    return log_gamma(x) + log_gamma(y) - log_gamma(x + y);
  }
  const double sum = x + y;
  if (x < kStirlingFrom) {
    return (y - 0.5) * std::log1p(-x / sum) + x * (1 - std::log(sum)) + log_gamma(x) + stirling_remainder(y) -
           stirling_remainder(sum);
  }
  return (x - 0.5) * std::log(x / sum) + y * std::log1p(-x / sum) + kHalfLogTwoPi - 0.5 * std::log(y) + stirling_remainder(x) +
         stirling_remainder(y) - stirling_remainder(sum);
}

double log_choose(double n, double k) {
  if (k == 0 || k == n) return 0;
  return -std::log1p(n) - log_beta(n - k + 1, k + 1);
}

double standard_normal_cdf(double x) { return 0.5 * std::erfc(-x * (std::numbers::sqrt2 / 2)); }

double standard_normal_quantile(double p) {
  if (!(p >= 0 && p <= 1)) return kNaN;
  if (p == 0) return -kInfinity;
  if (p == 1) return kInfinity;
  return quantile_as241(p);
}

double inv_logit(double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

double log_inv_logit(double x) { return x >= 0 ? -std::log1p(std::exp(-x)) : x - std::log1p(std::exp(x)); }

double log1p_exp(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

double log1m_exp(double x) {
  if (x > 0) return kNaN;
  return x > -std::numbers::ln2 ? std::log(-std::expm1(x)) : std::log1p(-std::exp(x));
}

double log_add_exp(double x, double y) {
  if (x < y) std::swap(x, y);
  if (x == -kInfinity) return x;
  if (x == kInfinity) return std::isnan(y) ? y : x;
  return x + std::log1p(std::exp(y - x));
}

}  // namespace tenfold::hmc_marg
