// R's type-7 quantiles.
#include "stats/quantile.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace tenfold::stats;

TEST_CASE("quantile(c(1, 2, 4, 8, 16), c(0, .1, .25, .5, .9, 1)) as R prints it") {
  const std::vector<double> x = {1, 2, 4, 8, 16};
  CHECK(quantile(x, 0) == 1);
  CHECK(quantile(x, 0.1) == doctest::Approx(1.4).epsilon(1e-15));
  CHECK(quantile(x, 0.25) == 2);
  CHECK(quantile(x, 0.5) == 4);
  CHECK(quantile(x, 0.9) == doctest::Approx(12.8).epsilon(1e-15));
  CHECK(quantile(x, 1) == 16);
}

TEST_CASE("unsorted values, medians, infinities") {
  const std::vector<double> x = {5, 1, 4, 2};
  CHECK(median(x) == 3);
  CHECK(quantiles_of(x, std::vector<double>{0, 1}) == std::vector<double>{1, 5});
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(quantile_of(std::vector<double>{-infinity, -infinity, 0, infinity, infinity}, 0.9) == infinity);
}

TEST_CASE("an empty sample, a NaN in it, or a p outside [0, 1] gives NaN") {
  CHECK(std::isnan(quantile({}, 0.5)));
  CHECK(std::isnan(median(std::vector<double>{1, std::nan(""), 2})));
  CHECK(std::isnan(quantile_of(std::vector<double>{1, 2}, 1.5)));
}
