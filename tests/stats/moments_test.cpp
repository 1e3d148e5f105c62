// Sums in one fixed order, means, variances.
#include "stats/moments.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace tenfold::stats;

TEST_CASE("sum8 adds in its documented tree") {
  // 2^53 + 1 is not representable: whether the ones survive tells which partners were added first.
  const double big = 0x1p53;
  std::vector<double> x(8, 0.0);
  x[0] = big;
  x[4] = 1;  // joins lane 0 first, and is lost
  x[2] = 1;
  x[6] = 1;  // (2 + 6) = 2 survives
  CHECK(sum8(x) == big + 2);
  std::vector<double> long_x(19, 0.0);
  long_x[0] = big;
  long_x[8] = 1;   // same lane: lost
  long_x[16] = 1;  // same lane: lost
  CHECK(sum8(long_x) == big);
}

TEST_CASE("mean, variance and sd of small integers") {
  const std::vector<double> x = {2, 4, 4, 4, 5, 5, 7, 9};
  CHECK(mean(x) == 5);
  CHECK(variance(x) == doctest::Approx(32.0 / 7).epsilon(1e-15));
  CHECK(sd(x) == doctest::Approx(std::sqrt(32.0 / 7)).epsilon(1e-15));
}

TEST_CASE("a constant's mean is the constant and its variance zero; a far mean costs no digits") {
  const std::vector<double> constant(1001, 0.1);
  CHECK(mean(constant) == 0.1);
  CHECK(variance(constant) == 0);
  std::vector<double> far;
  for (int i = 0; i < 1000; ++i) far.push_back(1e9 + i % 2);
  CHECK(variance(far) == doctest::Approx(0.25 * 1000 / 999).epsilon(1e-12));
}

TEST_CASE("too few values have no mean or variance") {
  CHECK(std::isnan(mean({})));
  const std::vector<double> one = {3};
  CHECK(mean(one) == 3);
  CHECK(std::isnan(variance(one)));
}
