// Univariate log densities as tensor expressions, written from the textbook forms and not from the kernels they check.
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "hmc-marg/torch/graph_tensors.h"

namespace tenfold::hmc_marg::oracle {
namespace {

using torch::lgamma;
using torch::log;
using torch::log1p;
using torch::Tensor;
using torch::xlogy;

const double kHalfLog2Pi = 0.5 * std::log(2 * std::numbers::pi);

Tensor log_choose(const Tensor& n, const Tensor& k) { return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1); }
Tensor log_beta(const Tensor& a, const Tensor& b) { return lgamma(a) + lgamma(b) - lgamma(a + b); }

Tensor continuous(Density family, const std::vector<Tensor>& x) {
  const Tensor& y = x[0];
  const auto standardised = [&](int location, int scale) {
    return (y - x[static_cast<std::size_t>(location)]) / x[static_cast<std::size_t>(scale)];
  };
  switch (family) {
    case Density::normal: {
      const Tensor z = standardised(1, 2);
      return -kHalfLog2Pi - log(x[2]) - 0.5 * z * z;
    }
    case Density::std_normal: return -kHalfLog2Pi - 0.5 * y * y;
    case Density::lognormal: {
      const Tensor z = (log(y) - x[1]) / x[2];
      return -kHalfLog2Pi - log(x[2]) - log(y) - 0.5 * z * z;
    }
    case Density::student_t: {
      const Tensor z = standardised(2, 3);
      return lgamma((x[1] + 1) / 2) - lgamma(x[1] / 2) - 0.5 * log(x[1] * std::numbers::pi) - log(x[3]) -
             (x[1] + 1) / 2 * log1p(z * z / x[1]);
    }
    case Density::cauchy: {
      const Tensor z = standardised(1, 2);
      return -std::log(std::numbers::pi) - log(x[2]) - log1p(z * z);
    }
    case Density::double_exponential: return -std::log(2.0) - log(x[2]) - torch::abs(standardised(1, 2));
    case Density::logistic: {
      const Tensor z = standardised(1, 2);
      return torch::log_sigmoid(z) + torch::log_sigmoid(-z) - log(x[2]);
    }
    case Density::uniform: return -log(x[2] - x[1]) + 0 * y;
    case Density::beta: return xlogy(x[1] - 1, y) + (x[2] - 1) * log1p(-y) - log_beta(x[1], x[2]);
    case Density::gamma: return x[1] * log(x[2]) - lgamma(x[1]) + (x[1] - 1) * log(y) - x[2] * y;
    case Density::inv_gamma: return x[1] * log(x[2]) - lgamma(x[1]) - (x[1] + 1) * log(y) - x[2] / y;
    case Density::exponential: return log(x[1]) - x[1] * y;
    case Density::weibull: return log(x[1] / x[2]) + (x[1] - 1) * log(y / x[2]) - torch::pow(y / x[2], x[1]);
    case Density::chi_square: return -x[1] / 2 * std::log(2.0) - lgamma(x[1] / 2) + (x[1] / 2 - 1) * log(y) - y / 2;
    case Density::inv_chi_square: return -x[1] / 2 * std::log(2.0) - lgamma(x[1] / 2) - (x[1] / 2 + 1) * log(y) - 0.5 / y;
    case Density::scaled_inv_chi_square:
      return x[1] / 2 * log(x[1] / 2) - lgamma(x[1] / 2) + x[1] * log(x[2]) - (x[1] / 2 + 1) * log(y) -
             x[1] * x[2] * x[2] / (2 * y);
    case Density::pareto: return log(x[2]) + x[2] * log(x[1]) - (x[2] + 1) * log(y);
    default: input_error("the oracle has no form of the density " + std::string(info(family).name));
  }
}

}  // namespace

Tensor log_density(Density family, const std::vector<Tensor>& x) {
  const Tensor& y = x[0];
  switch (family) {
    case Density::bernoulli: return xlogy(y, x[1]) + (1 - y) * log1p(-x[1]);
    case Density::bernoulli_logit: return torch::log_sigmoid((2 * y - 1) * x[1]);
    case Density::binomial: return log_choose(x[1], y) + xlogy(y, x[2]) + (x[1] - y) * log1p(-x[2]);
    case Density::binomial_logit:
      return log_choose(x[1], y) + y * torch::log_sigmoid(x[2]) + (x[1] - y) * torch::log_sigmoid(-x[2]);
    case Density::beta_binomial: return log_choose(x[1], y) + log_beta(x[2] + y, x[3] + x[1] - y) - log_beta(x[2], x[3]);
    case Density::poisson: return xlogy(y, x[1]) - x[1] - lgamma(y + 1);
    case Density::poisson_log: return y * x[1] - torch::exp(x[1]) - lgamma(y + 1);
    case Density::neg_binomial:
      return lgamma(y + x[1]) - lgamma(x[1]) - lgamma(y + 1) + x[1] * log(x[2] / (1 + x[2])) - y * log1p(x[2]);
    case Density::neg_binomial_2:
      return lgamma(y + x[2]) - lgamma(x[2]) - lgamma(y + 1) + xlogy(y, x[1] / (x[1] + x[2])) - x[2] * log1p(x[1] / x[2]);
    case Density::neg_binomial_2_log: {
      const Tensor mean = torch::exp(x[1]);
      return lgamma(y + x[2]) - lgamma(x[2]) - lgamma(y + 1) + y * (x[1] - log(mean + x[2])) - x[2] * log1p(mean / x[2]);
    }
    default: return continuous(family, x);
  }
}

}  // namespace tenfold::hmc_marg::oracle
