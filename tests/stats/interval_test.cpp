// Intervals for a mean and for paired differences.
#include "stats/interval.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/philox.h"

using namespace tenfold;
using namespace tenfold::stats;

TEST_CASE("Student's sleep data: t.test(extra ~ group, paired = TRUE) of R") {
  const std::vector<double> a = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
  const std::vector<double> b = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
  const PairedComparison paired = compare_paired(a, b);
  CHECK(paired.n == 10);
  CHECK(paired.difference == doctest::Approx(-1.58).epsilon(1e-12));
  CHECK(paired.interval.low == doctest::Approx(-2.45988576327698).epsilon(1e-10));
  CHECK(paired.interval.high == doctest::Approx(-0.700114236723018).epsilon(1e-10));
  CHECK(paired.p_value == doctest::Approx(0.00283289019738427).epsilon(1e-9));
  CHECK(paired.shown);
  CHECK(paired.verdict("a", "b") == "a is smaller than b by 1.58 (95 % interval 0.7 to 2.46, n = 10)");
}

TEST_CASE("an interval that holds zero is no difference shown") {
  const std::vector<double> a = {1, 2, 3, 4}, b = {2, 1, 4, 3};
  const PairedComparison paired = compare_paired(a, b);
  CHECK_FALSE(paired.shown);
  CHECK(paired.verdict("new", "old").starts_with("no difference shown between new and old"));
  const std::vector<double> same = {1, 2};
  CHECK_FALSE(compare_paired(same, same).shown);
  CHECK(compare_paired(same, same).p_value == 1);
}

TEST_CASE("one pair shows nothing, however large its difference") {
  const std::vector<double> a = {100}, b = {1};
  CHECK_FALSE(compare_paired(a, b).shown);
  CHECK(std::isinf(compare_paired(a, b).interval.high));
}

TEST_CASE("a ratio of measurements is judged by its logarithms") {
  const std::vector<double> a = {2, 4, 8, 2}, b = {1, 2, 4, 1};
  const PairedRatio ratio = compare_ratio(a, b);
  CHECK(ratio.ratio == doctest::Approx(2).epsilon(1e-12));
  CHECK(ratio.shown);
  CHECK(ratio.verdict("new", "old").starts_with("new is 2 times old"));
}

TEST_CASE("95 of 100 intervals hold the true mean") {
  int held = 0;
  for (std::uint32_t round = 0; round < 2000; ++round) {
    PhiloxStream stream(11, "interval coverage", round);
    std::vector<double> x(5);
    for (double& value : x) value = 3 + 2 * stream.normal();
    held += mean_interval(x).interval.contains(3) ? 1 : 0;
  }
  CHECK(held > 1900 - 40);  // four standard deviations of a binomial
  CHECK(held < 1900 + 40);
}

TEST_CASE("unequal or empty measurements are refused") {
  const std::vector<double> a = {1, 2}, b = {1};
  CHECK_THROWS_AS(compare_paired(a, b), Error);
  CHECK_THROWS_AS(mean_interval({}), Error);
}
