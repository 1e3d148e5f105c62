// Discrete univariate families: log mass, partial derivatives by the real parameters, droppable summands, draws.
#include <cmath>

#include "base/philox.h"
#include "hmc-marg/density_families.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/random_variates.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg::families {
namespace {

constexpr unsigned kA = 2, kB = 4;  // first, second parameter

bool positive(double x) { return x > 0 && x < kInfinity; }
Summands none(const double*) { return {}; }
Summands one(double value, unsigned depends_on = 0) {
  Summands s;
  s.add(value, depends_on);
  return s;
}

double bernoulli(const double* x, double* d) {
  const double p = x[1];
  if (!(p >= 0 && p <= 1)) return kNaN;
  if (d) d[0] = d[1] = 0;
  if (x[0] != 0 && x[0] != 1) return -kInfinity;
  if (d) d[1] = x[0] == 1 ? 1 / p : -1 / (1 - p);
  return x[0] == 1 ? std::log(p) : std::log1p(-p);
}
double bernoulli_draw(const double* x, PhiloxStream& r) { return r.uniform() < x[1] ? 1 : 0; }

double bernoulli_logit(const double* x, double* d) {
  const double sign = x[0] == 1 ? 1 : -1;
  if (std::isnan(x[1])) return kNaN;
  if (d) d[0] = d[1] = 0;
  if (x[0] != 0 && x[0] != 1) return -kInfinity;
  // Below -20 Stan Math takes the asymptote (off by e^-20); so do we, or log densities would differ from CmdStan's by 2e-9.
  const double t = sign * x[1];
  if (d) d[1] = t < -20 ? sign : sign * inv_logit(-t);
  return t < -20 ? t : -log1p_exp(-t);
}
double bernoulli_logit_draw(const double* x, PhiloxStream& r) { return r.uniform() < inv_logit(x[1]) ? 1 : 0; }

// binomial(y | trials, p)
double binomial(const double* x, double* d) {
  const double y = x[0], n = x[1], p = x[2];
  if (!(n >= 0) || !(p >= 0 && p <= 1)) return kNaN;
  if (d) d[0] = d[1] = d[2] = 0;
  if (!(y >= 0 && y <= n)) return -kInfinity;
  if (d) d[2] = (y == 0 ? 0 : y / p) - (y == n ? 0 : (n - y) / (1 - p));
  return log_choose(n, y) + (y == 0 ? 0 : y * std::log(p)) + (y == n ? 0 : (n - y) * std::log1p(-p));
}
Summands binomial_split(const double* x) { return one(log_choose(x[1], x[0])); }
double binomial_draw(const double* x, PhiloxStream& r) { return draw_binomial(x[1], x[2], r); }

double binomial_logit(const double* x, double* d) {
  const double y = x[0], n = x[1], a = x[2];
  if (!(n >= 0) || std::isnan(a)) return kNaN;
  if (d) d[0] = d[1] = d[2] = 0;
  if (!(y >= 0 && y <= n)) return -kInfinity;
  if (d) d[2] = y * inv_logit(-a) - (n - y) * inv_logit(a);
  return log_choose(n, y) + (y == 0 ? 0 : -y * log1p_exp(-a)) + (y == n ? 0 : -(n - y) * log1p_exp(a));
}
double binomial_logit_draw(const double* x, PhiloxStream& r) { return draw_binomial(x[1], inv_logit(x[2]), r); }

// beta_binomial(y | trials, a, b). lbeta(a+y, b+n-y) - lbeta(a, b) by lgamma_diff, which keeps its digits for large a and b.
double beta_binomial(const double* x, double* d) {
  const double y = x[0], n = x[1], a = x[2], b = x[3];
  if (!(n >= 0) || !positive(a) || !positive(b)) return kNaN;
  if (d) d[0] = d[1] = d[2] = d[3] = 0;
  if (!(y >= 0 && y <= n)) return -kInfinity;
  if (d) {
    const double both = digamma_diff(a + b, n);
    d[2] = digamma_diff(a, y) - both;
    d[3] = digamma_diff(b, n - y) - both;
  }
  return log_choose(n, y) + lgamma_diff(a, y) + lgamma_diff(b, n - y) - lgamma_diff(a + b, n);
}
double beta_binomial_draw(const double* x, PhiloxStream& r) { return draw_binomial(x[1], draw_beta(x[2], x[3], r), r); }

double poisson(const double* x, double* d) {
  const double y = x[0], rate = x[1];
  if (!(rate >= 0)) return kNaN;
  if (d) d[0] = d[1] = 0;
  if (!(y >= 0) || rate == kInfinity) return -kInfinity;
  if (rate == 0 && y != 0) return -kInfinity;
  if (d) d[1] = (y == 0 ? 0 : y / rate) - 1;
  return (y == 0 ? 0 : y * std::log(rate)) - rate - log_gamma(y + 1);
}
Summands poisson_split(const double* x) { return one(-log_gamma(x[0] + 1)); }
double poisson_draw(const double* x, PhiloxStream& r) { return draw_poisson(x[1], r); }

double poisson_log(const double* x, double* d) {
  const double y = x[0], eta = x[1];
  if (std::isnan(eta)) return kNaN;
  if (d) d[0] = d[1] = 0;
  if (!(y >= 0) || eta == kInfinity) return -kInfinity;
  if (eta == -kInfinity) return y == 0 ? 0 : -kInfinity;
  const double rate = std::exp(eta);
  if (d) d[1] = y - rate;
  return y * eta - rate - log_gamma(y + 1);
}
double poisson_log_draw(const double* x, PhiloxStream& r) { return draw_poisson(std::exp(x[1]), r); }

// neg_binomial(y | shape, inverse scale)
double neg_binomial(const double* x, double* d) {
  const double y = x[0], a = x[1], b = x[2];
  if (!positive(a) || !positive(b)) return kNaN;
  if (d) d[0] = d[1] = d[2] = 0;
  if (!(y >= 0)) return -kInfinity;
  if (d) {
    d[1] = digamma_diff(a, y) - std::log1p(1 / b);
    d[2] = a / (b * (1 + b)) - y / (1 + b);
  }
  return lgamma_diff(a, y) - log_gamma(y + 1) - a * std::log1p(1 / b) - y * std::log1p(b);
}
Summands neg_binomial_split(const double* x) { return one(lgamma_diff(x[1], x[0]) - log_gamma(x[0] + 1), kA); }
double neg_binomial_draw(const double* x, PhiloxStream& r) { return draw_poisson(draw_gamma(x[1], r) / x[2], r); }

// neg_binomial_2(y | mean, precision)
double neg_binomial_2(const double* x, double* d) {
  const double y = x[0], mu = x[1], phi = x[2];
  if (!positive(mu) || !positive(phi)) return kNaN;
  if (d) d[0] = d[1] = d[2] = 0;
  if (!(y >= 0)) return -kInfinity;
  const double log1p_ratio = std::log1p(mu / phi);
  if (d) {
    d[1] = y / mu - (y + phi) / (mu + phi);
    d[2] = digamma_diff(phi, y) - log1p_ratio + (mu - y) / (mu + phi);
  }
  return lgamma_diff(phi, y) - log_gamma(y + 1) + multiply_log(y, mu) - phi * log1p_ratio - y * std::log(mu + phi);
}
Summands neg_binomial_2_split(const double* x) {
  Summands s = one(lgamma_diff(x[2], x[0]) - log_gamma(x[0] + 1), kB);
  s.add(multiply_log(x[0], x[1]), kA);
  return s;
}
double neg_binomial_2_draw(const double* x, PhiloxStream& r) { return draw_poisson(draw_gamma(x[2], r) * (x[1] / x[2]), r); }

// neg_binomial_2_log(y | log mean, precision)
double neg_binomial_2_log(const double* x, double* d) {
  const double y = x[0], eta = x[1], phi = x[2];
  if (!std::isfinite(eta) || !positive(phi)) return kNaN;
  if (d) d[0] = d[1] = d[2] = 0;
  if (!(y >= 0)) return -kInfinity;
  const double log_phi = std::log(phi), log1p_ratio = log1p_exp(eta - log_phi);  // log((mu + phi) / phi)
  if (d) {
    const double share = inv_logit(eta - log_phi);  // mu / (mu + phi)
    d[1] = y - (y + phi) * share;
    d[2] = digamma_diff(phi, y) - log1p_ratio + share - y / phi * (1 - share);
  }
  return lgamma_diff(phi, y) - log_gamma(y + 1) + y * eta - phi * log1p_ratio - y * (log_phi + log1p_ratio);
}
Summands neg_binomial_2_log_split(const double* x) {
  Summands s = one(lgamma_diff(x[2], x[0]) - log_gamma(x[0] + 1), kB);
  s.add(x[0] * x[1], kA);
  return s;
}
double neg_binomial_2_log_draw(const double* x, PhiloxStream& r) {
  return draw_poisson(draw_gamma(x[2], r) * std::exp(x[1] - std::log(x[2])), r);
}

constexpr Family kFamilies[] = {
    {Density::bernoulli, "bernoulli", 2, true, 1, bernoulli, none, bernoulli_draw},
    {Density::bernoulli_logit, "bernoulli_logit", 2, true, 1, bernoulli_logit, none, bernoulli_logit_draw},
    {Density::binomial, "binomial", 3, true, 3, binomial, binomial_split, binomial_draw},
    {Density::binomial_logit, "binomial_logit", 3, true, 3, binomial_logit, binomial_split, binomial_logit_draw},
    {Density::beta_binomial, "beta_binomial", 4, true, 3, beta_binomial, binomial_split, beta_binomial_draw},
    {Density::poisson, "poisson", 2, true, 1, poisson, poisson_split, poisson_draw},
    {Density::poisson_log, "poisson_log", 2, true, 1, poisson_log, poisson_split, poisson_log_draw},
    {Density::neg_binomial, "neg_binomial", 3, true, 1, neg_binomial, neg_binomial_split, neg_binomial_draw},
    {Density::neg_binomial_2, "neg_binomial_2", 3, true, 1, neg_binomial_2, neg_binomial_2_split, neg_binomial_2_draw},
    {Density::neg_binomial_2_log, "neg_binomial_2_log", 3, true, 1, neg_binomial_2_log, neg_binomial_2_log_split,
     neg_binomial_2_log_draw},
};

}  // namespace

std::span<const Family> discrete() { return kFamilies; }

}  // namespace tenfold::hmc_marg::families
