// Scalar operations: hand-computed values, derivatives against central differences, stability where textbook forms cancel.
#include "hmc-marg/op.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "hmc-marg/op_lists.h"
#include "hmc-marg/special_functions.h"

using namespace tenfold::hmc_marg;

namespace {

// Points in the domain of each operation, away from kinks.
std::vector<std::pair<double, double>> points(Op op) {
  switch (op) {
    case Op::log:
    case Op::log2:
    case Op::log10:
    case Op::sqrt:
    case Op::cbrt:
    case Op::inv:
    case Op::inv_sqrt:
    case Op::inv_square:
    case Op::lgamma:
    case Op::digamma:
    case Op::pow:
    case Op::hypot:
    case Op::multiply_log:
    case Op::lbeta:
    case Op::atan2: return {{0.3, 1.7}, {2.5, 0.4}, {14.0, 11.5}};
    case Op::log1m:
    case Op::logit:
    case Op::asin:
    case Op::acos:
    case Op::atanh:
    case Op::inv_phi: return {{0.05, 0}, {0.5, 0}, {0.93, 0}};
    case Op::log1p: return {{-0.4, 0}, {1e-3, 0}, {7.0, 0}};
    case Op::log1m_exp: return {{-0.02, 0}, {-0.9, 0}, {-5.0, 0}};
    case Op::acosh: return {{1.3, 0}, {4.0, 0}};
    case Op::log_diff_exp: return {{1.2, 0.7}, {-3.0, -9.0}};
    case Op::lchoose: return {{7.0, 2.5}, {40.0, 13.0}};
    case Op::fmod: return {{7.3, 2.0}, {-4.1, 1.5}};
    default: return {{-1.3, 0.6}, {0.4, -0.7}, {2.2, 1.1}};
  }
}

}  // namespace

TEST_CASE("derivatives of every lane-wise operation are those of its value") {
  for (int i = static_cast<int>(Op::neg); i <= static_cast<int>(Op::log_add_exp); ++i) {
    const Op op = static_cast<Op>(i);
    const OpInfo& f = info(op);
    CAPTURE(f.name);
    REQUIRE((f.value != nullptr && f.partials != nullptr));
    CHECK(f.arity == (unary(op) ? 1 : 2));
    for (const auto& [x, y] : points(op)) {
      CAPTURE(x);
      CAPTURE(y);
      double dx = 0, dy = 0;
      f.partials(x, y, f.value(x, y), dx, dy);
      const double h = 1e-5 * std::max(0.1, std::abs(x));
      CHECK(dx == doctest::Approx((f.value(x + h, y) - f.value(x - h, y)) / (2 * h)).epsilon(1e-7));
      if (f.arity == 2) {
        const double k = 1e-5 * std::max(0.1, std::abs(y));
        CHECK(dy == doctest::Approx((f.value(x, y + k) - f.value(x, y - k)) / (2 * k)).epsilon(1e-7));
      }
    }
  }
}

TEST_CASE("operations keep their accuracy at the ends of their range") {
  const auto at = [](Op op, double x, double y = 0) { return info(op).value(x, y); };
  CHECK(at(Op::log1p_exp, 800) == 800);
  CHECK(at(Op::log1p_exp, -800) == 0);
  CHECK(at(Op::log_inv_logit, -800) == -800);
  CHECK(at(Op::log1m_exp, -1e-20) == doctest::Approx(std::log(1e-20)));
  CHECK(at(Op::log_add_exp, 1000, 1000) == doctest::Approx(1000 + std::log(2.0)));
  CHECK(at(Op::log_add_exp, -INFINITY, -3) == -3);
  CHECK(at(Op::log_diff_exp, 2, 2) == -std::numeric_limits<double>::infinity());
  CHECK(at(Op::multiply_log, 0, 0) == 0);
  CHECK(std::isnan(at(Op::log, -1)));
  double dx = 0, dy = 0;
  info(Op::inv_logit).partials(50, 0, at(Op::inv_logit, 50), dx, dy);
  CHECK(dx == doctest::Approx(std::exp(-50.0)).epsilon(1e-14));  // s (1 - s) would be 0
  info(Op::log_add_exp).partials(-INFINITY, -INFINITY, -INFINITY, dx, dy);
  CHECK(dx == 0);
}

TEST_CASE("gamma functions: known values and recurrences") {
  CHECK(digamma(1) == doctest::Approx(-0.57721566490153286).epsilon(1e-15));
  CHECK(digamma(0.5) == doctest::Approx(-1.9635100260214235).epsilon(1e-15));
  CHECK(digamma(-1.5) == doctest::Approx(0.70315664064524319).epsilon(1e-14));
  CHECK(trigamma(1) == doctest::Approx(1.6449340668482264).epsilon(1e-15));
  CHECK(trigamma(0.5) == doctest::Approx(4.9348022005446793).epsilon(1e-15));
  for (const double x : {0.01, 0.7, 3.3, 9.99, 10.01, 1e3, 1e8}) {
    CHECK(digamma(x + 1) == doctest::Approx(digamma(x) + 1 / x).epsilon(1e-14));
    CHECK(trigamma(x) == doctest::Approx(trigamma(x + 1) + 1 / (x * x)).epsilon(1e-14));
  }
  CHECK(log_beta(2, 3) == doctest::Approx(-std::log(12.0)).epsilon(1e-15));
  // B(a, 1) = 1 / a, where lgamma differences have lost everything.
  CHECK(log_beta(1e17, 1) == doctest::Approx(-std::log(1e17)).epsilon(1e-14));
  CHECK(log_beta(1, 1e9) == doctest::Approx(-std::log(1e9)).epsilon(1e-14));
  CHECK(log_choose(5, 2) == doctest::Approx(std::log(10.0)).epsilon(1e-15));
  CHECK(log_choose(1e10, 1) == doctest::Approx(std::log(1e10)).epsilon(1e-13));
}

TEST_CASE("the normal quantile inverts the distribution function") {
  CHECK(standard_normal_quantile(0.975) == doctest::Approx(1.9599639845400545).epsilon(1e-15));
  for (const double p : {1e-300, 1e-20, 1e-5, 0.02, 0.3, 0.5, 0.8, 0.999}) {
    CHECK(standard_normal_cdf(standard_normal_quantile(p)) == doctest::Approx(p).epsilon(1e-12));
  }
  CHECK(std::isnan(standard_normal_quantile(1.5)));
}

TEST_CASE("reductions over nothing give the neutral element") {
  CHECK(segment_value(Op::sum, nullptr, nullptr, 0) == 0);
  CHECK(segment_value(Op::product, nullptr, nullptr, 0) == 1);
  CHECK(segment_value(Op::log_sum_exp, nullptr, nullptr, 0) == -INFINITY);
  CHECK(segment_value(Op::maximum, nullptr, nullptr, 0) == -INFINITY);
}

TEST_CASE("the derivative of a product with zeros in it is exact") {
  const double a[] = {2, 0, 5};
  double da[3];
  segment_partials(Op::product, a, nullptr, 3, 0, da, nullptr);
  CHECK(da[0] == 0);
  CHECK(da[1] == 10);
  CHECK(da[2] == 0);
}

TEST_CASE("cholesky and triangular solves on a matrix factored by hand") {
  // [[4, 2], [2, 5]] = L L' with L = [[2, 0], [1, 2]]; the upper triangle is not read.
  const double a[] = {4, 2, NAN, 5};
  double l[4];
  whole_value(Op::cholesky, 4, 2, a, nullptr, l);
  CHECK(l[0] == 2);
  CHECK(l[1] == 1);
  CHECK(l[2] == 0);
  CHECK(l[3] == 2);
  const double b[] = {2, 5};
  double x[2];
  whole_value(Op::solve_lower, 2, 2, l, b, x);
  CHECK(x[0] == 1);
  CHECK(x[1] == 2);
  whole_value(Op::solve_lower_transposed, 2, 2, l, b, x);
  CHECK(x[0] == -0.25);
  CHECK(x[1] == 2.5);
  const double indefinite[] = {1, 2, 0, 1};
  whole_value(Op::cholesky, 4, 2, indefinite, nullptr, l);
  CHECK(std::isnan(l[3]));
}
