// Mixture quantiles against closed forms.
#include "hmc-marg/mixture.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace tenfold::hmc_marg;

TEST_CASE("a mixture of one component has that component's quantiles") {
  const double one = 1, mean = 3, sd = 2;
  const Mixture m{MixtureFamily::normal, {&one, 1}, {&mean, 1}, {&sd, 1}};
  CHECK(quantile(m, 0.95, NAN) == doctest::Approx(3 + 2 * 1.6448536269514722).epsilon(1e-13));
  CHECK(quantile(m, 0.5, NAN) == doctest::Approx(3).epsilon(1e-13));
  CHECK(quantile(m, 0.05, 100) == doctest::Approx(3 - 2 * 1.6448536269514722).epsilon(1e-13));  // a guess outside the bracket
  const double shape = 1, rate = 0.5;  // exponential
  CHECK(quantile({MixtureFamily::gamma, {&one, 1}, {&shape, 1}, {&rate, 1}}, 0.05, NAN) ==
        doctest::Approx(-2 * std::log(0.95)).epsilon(1e-12));
  CHECK(quantile({MixtureFamily::inv_gamma, {&one, 1}, {&shape, 1}, {&rate, 1}}, 0.95, NAN) ==
        doctest::Approx(-0.5 / std::log(0.95)).epsilon(1e-12));
  const double a = 3;  // P(x <= q) = q^3
  CHECK(quantile({MixtureFamily::beta, {&one, 1}, {&a, 1}, {&one, 1}}, 0.5, NAN) ==
        doctest::Approx(std::cbrt(0.5)).epsilon(1e-12));
}

TEST_CASE("weights need not sum to one, points of no width are jumps") {
  const std::vector<double> weight = {2, 6}, mean = {-1, 1}, point = {0, 0}, narrow = {1e-9, 1e-9};
  const Mixture jumps{MixtureFamily::normal, weight, mean, point};
  CHECK(evaluate(jumps, 0).below == doctest::Approx(0.25));
  CHECK(quantile(jumps, 0.2, NAN) == doctest::Approx(-1));
  CHECK(quantile(jumps, 0.3, NAN) == doctest::Approx(1));
  // Far apart, so that the 5 % quantile is the lower component's 20 % quantile.
  CHECK((quantile({MixtureFamily::normal, weight, mean, narrow}, 0.05, NAN) + 1) / 1e-9 ==
        doctest::Approx(-0.8416212335729143).epsilon(1e-4));
}

TEST_CASE("what is no number stays none") {
  const double one = 1, none = NAN;
  CHECK(std::isnan(quantile({MixtureFamily::normal, {}, {}, {}}, 0.5, NAN)));
  CHECK(std::isnan(quantile({MixtureFamily::normal, {&one, 1}, {&none, 1}, {&one, 1}}, 0.5, NAN)));
}
