// Log cumulative probabilities, for truncation and for what brms writes (student_t_lccdf on data). Boost.Math does the work and
// stays in this file; closed forms are used where they keep more digits in the tails.
#include <cmath>
#include <optional>

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/negative_binomial.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "hmc-marg/densities.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg {
namespace {

namespace bm = boost::math;
using Quiet = bm::policies::policy<bm::policies::domain_error<bm::policies::ignore_error>,
                                   bm::policies::overflow_error<bm::policies::ignore_error>,
                                   bm::policies::evaluation_error<bm::policies::ignore_error>,
                                   bm::policies::pole_error<bm::policies::ignore_error>, bm::policies::promote_double<false>>;

// log Phi(z): the continued asymptotic series takes over where erfc underflows.
double log_phi(double z) {
  if (z > -37) return std::log(0.5 * std::erfc(-z / std::sqrt(2.0)));
  const double w = 1 / (z * z);
  return -0.5 * z * z - kHalfLog2Pi - std::log(-z) + std::log1p(-w * (1 - w * (3 - w * (15 - 105 * w))));
}

struct Tails {
  double lower = 0, upper = 0;  // log P(X <= y), log P(X > y)
};

template <class Distribution>
Tails from_boost(const Distribution& d, double y) {
  return {std::log(bm::cdf(d, y)), std::log(bm::cdf(bm::complement(d, y)))};
}

Tails from_gamma(double shape, double scaled) {  // scaled = y * rate
  if (!(scaled > 0)) return {-kInfinity, 0};
  return from_boost(bm::gamma_distribution<double, Quiet>(shape, 1), scaled);
}

std::optional<Tails> tails(Density family, const double* x) {
  const double y = x[0];
  switch (family) {
    case Density::normal: {
      const double z = (y - x[1]) / x[2];
      return Tails{log_phi(z), log_phi(-z)};
    }
    case Density::std_normal: return Tails{log_phi(y), log_phi(-y)};
    case Density::lognormal: {
      if (!(y > 0)) return Tails{-kInfinity, 0};
      const double z = (std::log(y) - x[1]) / x[2];
      return Tails{log_phi(z), log_phi(-z)};
    }
    case Density::student_t: return from_boost(bm::students_t_distribution<double, Quiet>(x[1]), (y - x[2]) / x[3]);
    case Density::cauchy: {
      const double z = (y - x[1]) / x[2], pi = std::exp(kLogPi);
      return Tails{std::log(std::atan2(1.0, -z) / pi), std::log(std::atan2(1.0, z) / pi)};
    }
    case Density::double_exponential: {
      const double z = (y - x[1]) / x[2], tail = -std::fabs(z) - std::log(2.0),
                   other = std::log1p(-0.5 * std::exp(-std::fabs(z)));
      return z < 0 ? Tails{tail, other} : Tails{other, tail};
    }
    case Density::logistic: {
      const double z = (y - x[1]) / x[2];
      return Tails{-log1p_exp(-z), -log1p_exp(z)};
    }
    case Density::uniform: {
      if (y <= x[1]) return Tails{-kInfinity, 0};
      if (y >= x[2]) return Tails{0, -kInfinity};
      return Tails{std::log((y - x[1]) / (x[2] - x[1])), std::log((x[2] - y) / (x[2] - x[1]))};
    }
    case Density::beta: {
      if (y <= 0) return Tails{-kInfinity, 0};
      if (y >= 1) return Tails{0, -kInfinity};
      return from_boost(bm::beta_distribution<double, Quiet>(x[1], x[2]), y);
    }
    case Density::gamma: return from_gamma(x[1], y * x[2]);
    case Density::chi_square: return from_gamma(x[1] / 2, y / 2);
    case Density::inv_gamma:
    case Density::inv_chi_square:
    case Density::scaled_inv_chi_square: {
      if (!(y > 0)) return Tails{-kInfinity, 0};
      const double shape = family == Density::inv_gamma ? x[1] : x[1] / 2;
      const double scale = family == Density::inv_gamma ? x[2] : family == Density::inv_chi_square ? 0.5 : x[1] * x[2] * x[2] / 2;
      const Tails t = from_gamma(shape, scale / y);
      return Tails{t.upper, t.lower};
    }
    case Density::exponential: {
      if (!(y > 0)) return Tails{-kInfinity, 0};
      return Tails{log1m_exp(-x[1] * y), -x[1] * y};
    }
    case Density::weibull: {
      if (!(y > 0)) return Tails{-kInfinity, 0};
      const double h = -std::pow(y / x[2], x[1]);
      return Tails{log1m_exp(h), h};
    }
    case Density::pareto: {
      if (!(y > x[1])) return Tails{-kInfinity, 0};
      const double h = x[2] * (std::log(x[1]) - std::log(y));
      return Tails{log1m_exp(h), h};
    }
    case Density::bernoulli: {
      if (y < 0) return Tails{-kInfinity, 0};
      if (y >= 1) return Tails{0, -kInfinity};
      return Tails{std::log1p(-x[1]), std::log(x[1])};
    }
    case Density::binomial: {
      if (y < 0) return Tails{-kInfinity, 0};
      if (y >= x[1]) return Tails{0, -kInfinity};
      return from_boost(bm::binomial_distribution<double, Quiet>(x[1], x[2]), y);
    }
    case Density::poisson: {
      if (y < 0) return Tails{-kInfinity, 0};
      return from_boost(bm::poisson_distribution<double, Quiet>(x[1]), y);
    }
    case Density::neg_binomial:
    case Density::neg_binomial_2: {
      if (y < 0) return Tails{-kInfinity, 0};
      const bool second = family == Density::neg_binomial_2;
      const double shape = second ? x[2] : x[1], success = second ? x[2] / (x[1] + x[2]) : x[2] / (x[2] + 1);
      return from_boost(bm::negative_binomial_distribution<double, Quiet>(shape, success), y);
    }
    default: return std::nullopt;
  }
}

// Arguments that are admissible for every family; only asked which families have a case above.
constexpr double kSample[kMaxDensityArguments] = {0.5, 0.5, 0.75, 0.5};

}  // namespace

bool has_cdf(Density family) { return tails(family, kSample).has_value(); }
double log_cdf(Density family, const double* x) { return tails(family, x).value_or(Tails{kNaN, kNaN}).lower; }
double log_ccdf(Density family, const double* x) { return tails(family, x).value_or(Tails{kNaN, kNaN}).upper; }

}  // namespace tenfold::hmc_marg
