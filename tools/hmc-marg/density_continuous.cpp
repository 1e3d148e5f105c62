// Continuous univariate families: log density, partial derivatives, droppable summands, draws.
// x[0] is the variate; the parametrisations are Stan's.
#include <cmath>
#include <numbers>

#include "base/philox.h"
#include "hmc-marg/density_families.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/random_variates.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg::families {
namespace {

constexpr unsigned kY = 1, kA = 2, kB = 4, kC = 8;  // variate, first, second, third parameter

bool positive(double x) { return x > 0 && x < kInfinity; }
bool any_nan(const double* x, int n) {
  for (int i = 0; i < n; ++i)
    if (std::isnan(x[i])) return true;
  return false;
}

// Location-scale families: f((y - mu) / sigma) / sigma. `score` is d log f / dz.
double location_scale(double log_f, double score, double z, double sigma, double* d) {
  if (d) {
    d[0] = score / sigma;
    d[1] = -d[0];
    d[2] = -(score * z + 1) / sigma;
  }
  return log_f - std::log(sigma);
}
Summands split_scale(const double* x, double constant) {
  Summands s;
  s.add(-std::log(x[2]), kB);
  s.add(constant, 0);
  return s;
}

double normal(const double* x, double* d) {
  if (!(x[2] > 0)) return kNaN;
  const double z = (x[0] - x[1]) / x[2];
  return location_scale(-kHalfLog2Pi - 0.5 * z * z, -z, z, x[2], d);
}
Summands normal_split(const double* x) { return split_scale(x, -kHalfLog2Pi); }
double normal_draw(const double* x, PhiloxStream& r) { return x[1] + x[2] * r.normal(); }

double std_normal(const double* x, double* d) {
  if (d) d[0] = -x[0];
  return -kHalfLog2Pi - 0.5 * x[0] * x[0];
}
Summands std_normal_split(const double*) {
  Summands s;
  s.add(-kHalfLog2Pi, 0);
  return s;
}
double std_normal_draw(const double*, PhiloxStream& r) { return r.normal(); }

double lognormal(const double* x, double* d) {
  if (!(x[2] > 0) || any_nan(x, 3)) return kNaN;
  if (!(x[0] > 0)) return -kInfinity;
  const double log_y = std::log(x[0]), z = (log_y - x[1]) / x[2];
  const double value = location_scale(-kHalfLog2Pi - 0.5 * z * z, -z, z, x[2], d) - log_y;
  if (d) d[0] = (d[0] - 1) / x[0];
  return value;
}
Summands lognormal_split(const double* x) {
  Summands s;  // Stan Math keeps the constant -log(2 pi)/2 here
  s.add(-std::log(x[2]), kB);
  s.add(-std::log(x[0]), kY);
  return s;
}
double lognormal_draw(const double* x, PhiloxStream& r) { return std::exp(normal_draw(x, r)); }

double cauchy(const double* x, double* d) {
  if (!(x[2] > 0)) return kNaN;
  const double z = (x[0] - x[1]) / x[2];
  return location_scale(-kLogPi - std::log1p(z * z), -2 * z / (1 + z * z), z, x[2], d);
}
Summands cauchy_split(const double* x) { return split_scale(x, -kLogPi); }
double cauchy_draw(const double* x, PhiloxStream& r) { return x[1] + x[2] * std::tan(std::numbers::pi * (r.uniform() - 0.5)); }

double double_exponential(const double* x, double* d) {
  if (!(x[2] > 0)) return kNaN;
  const double z = (x[0] - x[1]) / x[2];
  const double sign = z > 0 ? 1 : z < 0 ? -1 : 0;
  return location_scale(-std::numbers::ln2 - std::fabs(z), -sign, z, x[2], d);
}
Summands double_exponential_split(const double* x) { return split_scale(x, -std::numbers::ln2); }
double double_exponential_draw(const double* x, PhiloxStream& r) {
  const double u = r.uniform() - 0.5;
  return x[1] - x[2] * (u < 0 ? -1 : 1) * std::log1p(-2 * std::fabs(u));
}

double logistic(const double* x, double* d) {
  if (!(x[2] > 0)) return kNaN;
  const double z = (x[0] - x[1]) / x[2];
  const double value = -std::fabs(z) - 2 * std::log1p(std::exp(-std::fabs(z)));
  return location_scale(value, -std::tanh(z / 2), z, x[2], d);
}
Summands logistic_split(const double* x) { return split_scale(x, 0); }
double logistic_draw(const double* x, PhiloxStream& r) {
  const double u = r.uniform();
  return x[1] + x[2] * (std::log(u) - std::log1p(-u));
}

// student_t(y | nu, mu, sigma)
double student_t(const double* x, double* d) {
  const double nu = x[1], sigma = x[3];
  if (!(nu > 0) || !(sigma > 0) || any_nan(x, 4)) return kNaN;
  const double z = (x[0] - x[2]) / sigma, q = z * z / nu, log1p_q = std::log1p(q);
  if (d) {
    const double score = -(nu + 1) * z / (nu + z * z);
    d[0] = score / sigma;
    d[2] = -d[0];
    d[3] = -(score * z + 1) / sigma;
    d[1] = 0.5 * (digamma_diff(nu / 2, 0.5) - 1 / nu - log1p_q + (nu + 1) * q / (nu * (1 + q)));
  }
  return lgamma_diff(nu / 2, 0.5) - 0.5 * std::log(nu) - 0.5 * kLogPi - std::log(sigma) - 0.5 * (nu + 1) * log1p_q;
}
Summands student_t_split(const double* x) {
  Summands s;
  s.add(lgamma_diff(x[1] / 2, 0.5) - 0.5 * std::log(x[1]), kA);
  s.add(-std::log(x[3]), kC);
  s.add(-0.5 * kLogPi, 0);
  return s;
}
double student_t_draw(const double* x, PhiloxStream& r) {
  const double z = r.normal();
  return x[2] + x[3] * z * std::sqrt(x[1] / (2 * draw_gamma(x[1] / 2, r)));
}

double uniform(const double* x, double* d) {
  if (!(x[2] > x[1]) || std::isnan(x[0])) return kNaN;
  if (d) d[0] = d[1] = d[2] = 0;
  if (x[0] < x[1] || x[0] > x[2]) return -kInfinity;
  const double width = x[2] - x[1];
  if (d) {
    d[1] = 1 / width;
    d[2] = -1 / width;
  }
  return -std::log(width);
}
Summands uniform_split(const double* x) {
  Summands s;
  s.add(-std::log(x[2] - x[1]), kA | kB);
  return s;
}
double uniform_draw(const double* x, PhiloxStream& r) { return x[1] + (x[2] - x[1]) * r.uniform(); }

double beta(const double* x, double* d) {
  const double y = x[0], a = x[1], b = x[2];
  if (!positive(a) || !positive(b) || std::isnan(y)) return kNaN;
  if (!(y >= 0 && y <= 1)) return -kInfinity;
  const double log_y = std::log(y), log_1my = std::log1p(-y);
  if (d) {
    const double digamma_sum = digamma(a + b);
    d[0] = (a - 1) / y - (b - 1) / (1 - y);
    d[1] = digamma_sum - digamma(a) + log_y;
    d[2] = digamma_sum - digamma(b) + log_1my;
  }
  const double normaliser = log_gamma(a + b) - log_gamma(a) - log_gamma(b);
  return normaliser + (a == 1 ? 0 : (a - 1) * log_y) + (b == 1 ? 0 : (b - 1) * log_1my);
}
Summands beta_split(const double* x) {
  Summands s;
  s.add(log_gamma(x[1] + x[2]), kA | kB);
  s.add(-log_gamma(x[1]), kA);
  s.add(-log_gamma(x[2]), kB);
  s.add(x[1] == 1 ? 0 : (x[1] - 1) * std::log(x[0]), kY | kA);
  s.add(x[2] == 1 ? 0 : (x[2] - 1) * std::log1p(-x[0]), kY | kB);
  return s;
}
double beta_draw(const double* x, PhiloxStream& r) { return draw_beta(x[1], x[2], r); }

// gamma(y | shape, rate)
double gamma(const double* x, double* d) {
  const double y = x[0], a = x[1], b = x[2];
  if (!positive(a) || !positive(b) || std::isnan(y)) return kNaN;
  if (!(y > 0)) return -kInfinity;
  const double log_y = std::log(y), log_b = std::log(b);
  if (d) {
    d[0] = (a - 1) / y - b;
    d[1] = log_b - digamma(a) + log_y;
    d[2] = a / b - y;
  }
  return -log_gamma(a) + a * log_b + (a - 1) * log_y - b * y;
}
Summands gamma_split(const double* x) {
  Summands s;
  s.add(-log_gamma(x[1]), kA);
  s.add(x[1] * std::log(x[2]), kA | kB);
  s.add((x[1] - 1) * std::log(x[0]), kY | kA);
  s.add(-x[2] * x[0], kY | kB);
  return s;
}
double gamma_draw(const double* x, PhiloxStream& r) { return draw_gamma(x[1], r) / x[2]; }

// inv_gamma(y | shape, scale)
double inv_gamma(const double* x, double* d) {
  const double y = x[0], a = x[1], b = x[2];
  if (!positive(a) || !positive(b) || std::isnan(y)) return kNaN;
  if (!(y > 0)) return -kInfinity;
  const double log_y = std::log(y), log_b = std::log(b);
  if (d) {
    d[0] = (-(a + 1) + b / y) / y;
    d[1] = log_b - digamma(a) - log_y;
    d[2] = a / b - 1 / y;
  }
  return -log_gamma(a) + a * log_b - (a + 1) * log_y - b / y;
}
Summands inv_gamma_split(const double* x) {
  Summands s;
  s.add(-log_gamma(x[1]), kA);
  s.add(x[1] * std::log(x[2]), kA | kB);
  s.add(-(x[1] + 1) * std::log(x[0]), kY | kA);
  s.add(-x[2] / x[0], kY | kB);
  return s;
}
double inv_gamma_draw(const double* x, PhiloxStream& r) { return x[2] / draw_gamma(x[1], r); }

// exponential(y | rate)
double exponential(const double* x, double* d) {
  if (!positive(x[1]) || std::isnan(x[0])) return kNaN;
  if (!(x[0] >= 0)) return -kInfinity;
  if (d) {
    d[0] = -x[1];
    d[1] = 1 / x[1] - x[0];
  }
  return std::log(x[1]) - x[1] * x[0];
}
Summands exponential_split(const double* x) {
  Summands s;
  s.add(std::log(x[1]), kA);
  return s;
}
double exponential_draw(const double* x, PhiloxStream& r) { return draw_exponential(r) / x[1]; }

// weibull(y | shape, scale)
double weibull(const double* x, double* d) {
  const double y = x[0], a = x[1], s = x[2];
  if (!positive(a) || !positive(s) || std::isnan(y)) return kNaN;
  if (!(y >= 0)) return -kInfinity;
  const double log_y = std::log(y), log_s = std::log(s), power = std::exp(a * (log_y - log_s));
  if (d) {
    d[0] = ((a - 1) - a * power) / y;
    d[1] = 1 / a + (log_y - log_s) * (1 - power);
    d[2] = a / s * (power - 1);
  }
  return std::log(a) + (a == 1 ? 0 : (a - 1) * log_y) - a * log_s - power;
}
Summands weibull_split(const double* x) {
  Summands s;
  s.add(std::log(x[1]), kA);
  s.add(x[1] == 1 ? 0 : (x[1] - 1) * std::log(x[0]), kY | kA);
  s.add(-x[1] * std::log(x[2]), kA | kB);
  return s;
}
double weibull_draw(const double* x, PhiloxStream& r) { return x[2] * std::pow(draw_exponential(r), 1 / x[1]); }

double chi_square(const double* x, double* d) {
  const double y = x[0], nu = x[1];
  if (!positive(nu) || std::isnan(y)) return kNaN;
  if (!(y >= 0)) return -kInfinity;
  const double log_y = std::log(y);
  if (d) {
    d[0] = (nu / 2 - 1) / y - 0.5;
    d[1] = 0.5 * (log_y - std::numbers::ln2 - digamma(nu / 2));
  }
  return -nu / 2 * std::numbers::ln2 - log_gamma(nu / 2) + (nu == 2 ? 0 : (nu / 2 - 1) * log_y) - y / 2;
}
Summands chi_square_split(const double* x) {
  Summands s;
  s.add(-x[1] / 2 * std::numbers::ln2 - log_gamma(x[1] / 2), kA);
  s.add(x[1] == 2 ? 0 : (x[1] / 2 - 1) * std::log(x[0]), kY | kA);
  s.add(-x[0] / 2, kY);
  return s;
}
double chi_square_draw(const double* x, PhiloxStream& r) { return 2 * draw_gamma(x[1] / 2, r); }

double inv_chi_square(const double* x, double* d) {
  const double y = x[0], nu = x[1];
  if (!positive(nu) || std::isnan(y)) return kNaN;
  if (!(y > 0)) return -kInfinity;
  const double log_y = std::log(y);
  if (d) {
    d[0] = (-(nu / 2 + 1) + 0.5 / y) / y;
    d[1] = -0.5 * (log_y + std::numbers::ln2 + digamma(nu / 2));
  }
  return -nu / 2 * std::numbers::ln2 - log_gamma(nu / 2) - (nu / 2 + 1) * log_y - 0.5 / y;
}
Summands inv_chi_square_split(const double* x) {
  Summands s;
  s.add(-x[1] / 2 * std::numbers::ln2 - log_gamma(x[1] / 2), kA);
  s.add(-(x[1] / 2 + 1) * std::log(x[0]), kY | kA);
  s.add(-0.5 / x[0], kY);
  return s;
}
double inv_chi_square_draw(const double* x, PhiloxStream& r) { return 0.5 / draw_gamma(x[1] / 2, r); }

// scaled_inv_chi_square(y | nu, s)
double scaled_inv_chi_square(const double* x, double* d) {
  const double y = x[0], nu = x[1], s = x[2];
  if (!positive(nu) || !positive(s) || std::isnan(y)) return kNaN;
  if (!(y > 0)) return -kInfinity;
  const double log_y = std::log(y), log_s = std::log(s), log_half = std::log(nu / 2);
  if (d) {
    d[0] = (-(nu / 2 + 1) + nu * s * s / (2 * y)) / y;
    d[1] = 0.5 * (log_half + 1 - digamma(nu / 2)) + log_s - 0.5 * log_y - s * s / (2 * y);
    d[2] = nu / s - nu * s / y;
  }
  return nu / 2 * log_half - log_gamma(nu / 2) + nu * log_s - (nu / 2 + 1) * log_y - nu * s * s / (2 * y);
}
Summands scaled_inv_chi_square_split(const double* x) {
  Summands s;
  s.add(x[1] / 2 * std::log(x[1] / 2) - log_gamma(x[1] / 2), kA);
  s.add(x[1] * std::log(x[2]), kA | kB);
  s.add(-(x[1] / 2 + 1) * std::log(x[0]), kY | kA);
  return s;
}
double scaled_inv_chi_square_draw(const double* x, PhiloxStream& r) { return x[1] * x[2] * x[2] / (2 * draw_gamma(x[1] / 2, r)); }

// pareto(y | minimum, shape)
double pareto(const double* x, double* d) {
  const double y = x[0], y0 = x[1], a = x[2];
  if (!positive(y0) || !positive(a) || std::isnan(y)) return kNaN;
  if (d) d[0] = d[1] = d[2] = 0;
  if (!(y >= y0)) return -kInfinity;
  const double log_y = std::log(y), log_y0 = std::log(y0);
  if (d) {
    d[0] = -(a + 1) / y;
    d[1] = a / y0;
    d[2] = 1 / a + log_y0 - log_y;
  }
  return std::log(a) + a * log_y0 - (a + 1) * log_y;
}
Summands pareto_split(const double* x) {
  Summands s;
  s.add(std::log(x[2]), kB);
  s.add(x[2] * std::log(x[1]), kA | kB);
  s.add(-(x[2] + 1) * std::log(x[0]), kY | kB);
  return s;
}
double pareto_draw(const double* x, PhiloxStream& r) { return x[1] * std::exp(draw_exponential(r) / x[2]); }

constexpr Family kFamilies[] = {
    {Density::normal, "normal", 3, false, 0, normal, normal_split, normal_draw},
    {Density::std_normal, "std_normal", 1, false, 0, std_normal, std_normal_split, std_normal_draw},
    {Density::lognormal, "lognormal", 3, false, 0, lognormal, lognormal_split, lognormal_draw},
    {Density::student_t, "student_t", 4, false, 0, student_t, student_t_split, student_t_draw},
    {Density::cauchy, "cauchy", 3, false, 0, cauchy, cauchy_split, cauchy_draw},
    {Density::double_exponential, "double_exponential", 3, false, 0, double_exponential, double_exponential_split,
     double_exponential_draw},
    {Density::logistic, "logistic", 3, false, 0, logistic, logistic_split, logistic_draw},
    {Density::uniform, "uniform", 3, false, 0, uniform, uniform_split, uniform_draw},
    {Density::beta, "beta", 3, false, 0, beta, beta_split, beta_draw},
    {Density::gamma, "gamma", 3, false, 0, gamma, gamma_split, gamma_draw},
    {Density::inv_gamma, "inv_gamma", 3, false, 0, inv_gamma, inv_gamma_split, inv_gamma_draw},
    {Density::exponential, "exponential", 2, false, 0, exponential, exponential_split, exponential_draw},
    {Density::weibull, "weibull", 3, false, 0, weibull, weibull_split, weibull_draw},
    {Density::chi_square, "chi_square", 2, false, 0, chi_square, chi_square_split, chi_square_draw},
    {Density::inv_chi_square, "inv_chi_square", 2, false, 0, inv_chi_square, inv_chi_square_split, inv_chi_square_draw},
    {Density::scaled_inv_chi_square, "scaled_inv_chi_square", 3, false, 0, scaled_inv_chi_square, scaled_inv_chi_square_split,
     scaled_inv_chi_square_draw},
    {Density::pareto, "pareto", 3, false, 0, pareto, pareto_split, pareto_draw},
};

}  // namespace

std::span<const Family> continuous() { return kFamilies; }

}  // namespace tenfold::hmc_marg::families
