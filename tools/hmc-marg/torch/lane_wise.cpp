// Lane-wise operations as tensor expressions.
#include <numbers>

#include "base/error.h"
#include "hmc-marg/torch/graph_tensors.h"

namespace tenfold::hmc_marg::oracle {
namespace {

using torch::Tensor;

Tensor log1m_exp(const Tensor& x) { return torch::log(-torch::expm1(x)); }

Tensor unary_of(Op op, const Tensor& x) {
  switch (op) {
    case Op::neg: return -x;
    case Op::abs: return torch::abs(x);
    case Op::exp: return torch::exp(x);
    case Op::exp2: return torch::exp2(x);
    case Op::expm1: return torch::expm1(x);
    case Op::log: return torch::log(x);
    case Op::log1p: return torch::log1p(x);
    case Op::log1m: return torch::log1p(-x);
    case Op::log2: return torch::log2(x);
    case Op::log10: return torch::log10(x);
    case Op::sqrt: return torch::sqrt(x);
    case Op::cbrt: return torch::sign(x) * torch::pow(torch::abs(x), 1.0 / 3);
    case Op::square: return x * x;
    case Op::inv: return 1 / x;
    case Op::inv_sqrt: return 1 / torch::sqrt(x);
    case Op::inv_square: return 1 / (x * x);
    case Op::logit: return torch::log(x) - torch::log1p(-x);
    case Op::inv_logit: return torch::sigmoid(x);
    case Op::log_inv_logit: return torch::log_sigmoid(x);
    case Op::log1m_inv_logit: return torch::log_sigmoid(-x);
    case Op::log1p_exp: return -torch::log_sigmoid(-x);
    case Op::log1m_exp: return log1m_exp(x);
    case Op::inv_cloglog: return -torch::expm1(-torch::exp(x));
    case Op::phi: return 0.5 * torch::erfc(-x / std::numbers::sqrt2);
    case Op::phi_approx: return torch::sigmoid(0.07056 * x * x * x + 1.5976 * x);
    case Op::inv_phi: return torch::special::ndtri(x);
    case Op::sin: return torch::sin(x);
    case Op::cos: return torch::cos(x);
    case Op::tan: return torch::tan(x);
    case Op::asin: return torch::asin(x);
    case Op::acos: return torch::acos(x);
    case Op::atan: return torch::atan(x);
    case Op::sinh: return torch::sinh(x);
    case Op::cosh: return torch::cosh(x);
    case Op::tanh: return torch::tanh(x);
    case Op::asinh: return torch::asinh(x);
    case Op::acosh: return torch::acosh(x);
    case Op::atanh: return torch::atanh(x);
    case Op::lgamma: return torch::lgamma(x);
    case Op::digamma: return torch::digamma(x);
    case Op::erf: return torch::erf(x);
    case Op::erfc: return torch::erfc(x);
    default: input_error("the oracle has no form of " + std::string(info(op).name));
  }
}

}  // namespace

Tensor lane_wise(Op op, const Tensor& x, const Tensor& y) {
  switch (op) {
    case Op::add: return x + y;
    case Op::sub: return x - y;
    case Op::mul: return x * y;
    case Op::div: return x / y;
    case Op::pow: return torch::pow(x, y);
    case Op::fmin: return torch::minimum(x, y);
    case Op::fmax: return torch::maximum(x, y);
    case Op::hypot: return torch::hypot(x, y);
    case Op::fdim: return torch::clamp_min(x - y, 0);
    case Op::atan2: return torch::atan2(x, y);
    case Op::multiply_log: return torch::xlogy(x, y);
    case Op::lbeta: return torch::lgamma(x) + torch::lgamma(y) - torch::lgamma(x + y);
    case Op::lchoose: return torch::lgamma(x + 1) - torch::lgamma(y + 1) - torch::lgamma(x - y + 1);
    case Op::log_diff_exp: return x + log1m_exp(y - x);
    case Op::fmod: return torch::fmod(x, y);
    case Op::log_add_exp: return torch::logaddexp(x, y);
    default: return unary_of(op, x);
  }
}

}  // namespace tenfold::hmc_marg::oracle
