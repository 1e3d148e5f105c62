// Scalar values and derivatives of the lane-wise operations.
#include "hmc-marg/op.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kInvSqrtTwoPi = 0.39894228040143267794;
constexpr double kTwoOverSqrtPi = 2 * std::numbers::inv_sqrtpi;

// e^x / (1 + e^x)^2 without the cancellation of s (1 - s) at large x.
double inv_logit_slope(double x) {
  const double e = std::exp(-std::abs(x));
  return e / ((1 + e) * (1 + e));
}

double multiply_log(double x, double y) { return x == 0 && y == 0 ? 0 : x * std::log(y); }

constexpr int index(Op op) { return static_cast<int>(op); }

using Table = std::array<OpInfo, static_cast<std::size_t>(Op::count_)>;

// A unary op: VALUE in x; SLOPE in x and out.
#define UNARY(op, VALUE, SLOPE)                                                                    \
  t[index(Op::op)] = {#op, 1, [](double x, [[maybe_unused]] double y) -> double { return VALUE; }, \
                      []([[maybe_unused]] double x, double, [[maybe_unused]] double out, double& dx, double&) { dx = SLOPE; }}
// A binary op: VALUE in x, y; the two slopes in x, y, out.
#define BINARY(op, VALUE, SLOPE_X, SLOPE_Y)                                                                           \
  t[index(Op::op)] = {                                                                                                \
      #op, 2, [](double x, double y) -> double { return VALUE; },                                                     \
      []([[maybe_unused]] double x, [[maybe_unused]] double y, [[maybe_unused]] double out, double& dx, double& dy) { \
        dx = SLOPE_X;                                                                                                 \
        dy = SLOPE_Y;                                                                                                 \
      }}

void fill_unary(Table& t) {
  UNARY(neg, -x, -1);
  UNARY(abs, std::abs(x), x > 0 ? 1 : x < 0 ? -1 : 0 * x);
  UNARY(exp, std::exp(x), out);
  UNARY(exp2, std::exp2(x), out * std::numbers::ln2);
  UNARY(expm1, std::expm1(x), std::exp(x));
  UNARY(log, std::log(x), 1 / x);
  UNARY(log1p, std::log1p(x), 1 / (1 + x));
  UNARY(log1m, std::log1p(-x), 1 / (x - 1));
  UNARY(log2, std::log2(x), std::numbers::log2e / x);
  UNARY(log10, std::log10(x), std::numbers::log10e / x);
  UNARY(sqrt, std::sqrt(x), out == 0 ? 0 : 0.5 / out);  // 0 at the kink, as Stan: no infinity meets a zero adjoint
  UNARY(cbrt, std::cbrt(x), 1 / (3 * out * out));
  UNARY(square, x * x, 2 * x);
  UNARY(inv, 1 / x, -out * out);
  UNARY(inv_sqrt, 1 / std::sqrt(x), -0.5 * out / x);
  UNARY(inv_square, 1 / (x * x), -2 * out / x);
  UNARY(logit, std::log(x / (1 - x)), 1 / (x * (1 - x)));
  UNARY(inv_logit, inv_logit(x), inv_logit_slope(x));
  UNARY(log_inv_logit, log_inv_logit(x), inv_logit(-x));
  UNARY(log1m_inv_logit, log_inv_logit(-x), -inv_logit(x));
  UNARY(log1p_exp, log1p_exp(x), inv_logit(x));
  UNARY(log1m_exp, log1m_exp(x), -1 / std::expm1(-x));
  UNARY(inv_cloglog, -std::expm1(-std::exp(x)), std::exp(x - std::exp(x)));
  UNARY(phi, standard_normal_cdf(x), kInvSqrtTwoPi * std::exp(-0.5 * x * x));
  UNARY(phi_approx, inv_logit((0.07056 * x * x + 1.5976) * x),
        inv_logit_slope((0.07056 * x * x + 1.5976) * x) * (0.21168 * x * x + 1.5976));
  UNARY(inv_phi, standard_normal_quantile(x), std::exp(0.5 * out * out) / kInvSqrtTwoPi);
  UNARY(sin, std::sin(x), std::cos(x));
  UNARY(cos, std::cos(x), -std::sin(x));
  UNARY(tan, std::tan(x), 1 + out * out);
  UNARY(asin, std::asin(x), 1 / std::sqrt((1 - x) * (1 + x)));
  UNARY(acos, std::acos(x), -1 / std::sqrt((1 - x) * (1 + x)));
  UNARY(atan, std::atan(x), 1 / (1 + x * x));
  UNARY(sinh, std::sinh(x), std::cosh(x));
  UNARY(cosh, std::cosh(x), std::sinh(x));
  UNARY(tanh, std::tanh(x), 4 * inv_logit_slope(2 * x));  // 1 / cosh^2
  UNARY(asinh, std::asinh(x), 1 / std::sqrt(x * x + 1));
  UNARY(acosh, std::acosh(x), 1 / std::sqrt((x - 1) * (x + 1)));
  UNARY(atanh, std::atanh(x), 1 / ((1 - x) * (1 + x)));
  UNARY(lgamma, log_gamma(x), digamma(x));
  UNARY(digamma, digamma(x), trigamma(x));
  UNARY(erf, std::erf(x), kTwoOverSqrtPi * std::exp(-x * x));
  UNARY(erfc, std::erfc(x), -kTwoOverSqrtPi * std::exp(-x * x));
}

void fill_binary(Table& t) {
  BINARY(add, x + y, 1, 1);
  BINARY(sub, x - y, 1, -1);
  BINARY(mul, x * y, y, x);
  BINARY(div, x / y, 1 / y, -out / y);
  BINARY(pow, std::pow(x, y), y == 0 ? 0 : y * std::pow(x, y - 1), x == 0 ? 0 : out * std::log(x));
  // Ties go to the second argument, as in Stan.
  BINARY(fmin, std::fmin(x, y), x < y || std::isnan(y) ? 1 : 0, x < y || std::isnan(y) ? 0 : 1);
  BINARY(fmax, std::fmax(x, y), x > y || std::isnan(y) ? 1 : 0, x > y || std::isnan(y) ? 0 : 1);
  BINARY(hypot, std::hypot(x, y), x / out, y / out);
  BINARY(fdim, std::fdim(x, y), x > y ? 1 : 0, x > y ? -1 : 0);
  BINARY(atan2, std::atan2(x, y), y / (x * x + y * y), -x / (x * x + y * y));
  BINARY(multiply_log, multiply_log(x, y), std::log(y), x / y);
  BINARY(lbeta, log_beta(x, y), digamma(x) - digamma(x + y), digamma(y) - digamma(x + y));
  BINARY(lchoose, log_choose(x, y), digamma(x + 1) - digamma(x - y + 1), digamma(x - y + 1) - digamma(y + 1));
  BINARY(log_diff_exp, x == y ? -kInfinity : x + log1m_exp(y - x), -1 / std::expm1(y - x), -1 / std::expm1(x - y));
  BINARY(fmod, std::fmod(x, y), 1, -std::trunc(x / y));
  BINARY(log_add_exp, log_add_exp(x, y), out == -kInfinity ? 0 : inv_logit(x - y), out == -kInfinity ? 0 : inv_logit(y - x));
}

#undef UNARY
#undef BINARY

Table make_table() {
  Table t;
  t[index(Op::constant)] = {"constant", 0};
  t[index(Op::parameter)] = {"parameter", 0};
  fill_unary(t);
  fill_binary(t);
  t[index(Op::sum)] = {"sum", 1};
  t[index(Op::dot)] = {"dot", 2};
  t[index(Op::log_sum_exp)] = {"log_sum_exp", 1};
  t[index(Op::minimum)] = {"minimum", 1};
  t[index(Op::maximum)] = {"maximum", 1};
  t[index(Op::product)] = {"product", 1};
  t[index(Op::softmax)] = {"softmax", 1};
  t[index(Op::cumulative_sum)] = {"cumulative_sum", 1};
  t[index(Op::cholesky)] = {"cholesky", 1};
  t[index(Op::solve_lower)] = {"solve_lower", 2};
  t[index(Op::solve_lower_transposed)] = {"solve_lower_transposed", 2};
  t[index(Op::density)] = {"density", -1};
  return t;
}

}  // namespace

const OpInfo& info(Op op) {
  static const Table table = make_table();
  return table[index(op)];
}

}  // namespace tenfold::hmc_marg
