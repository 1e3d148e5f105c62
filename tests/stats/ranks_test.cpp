// Order, folding and rank-normal scores.
#include "stats/ranks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/philox.h"
#include "stats/distributions.h"

using namespace tenfold;
using namespace tenfold::stats;

TEST_CASE("the radix sort orders doubles of all signs and sizes, equal ones by their place") {
  PhiloxStream stream(1, "ranks test");
  std::vector<double> x = {0.0, -0.0, 1e-320, -1e-320, 1e308, -1e308, 5e-324, 1, -1, 1};
  for (int i = 0; i < 1000; ++i) x.push_back(std::ldexp(stream.uniform() - 0.5, static_cast<int>(stream.below(600)) - 300));
  for (int i = 0; i < 100; ++i) x.push_back(stream.below(5));
  std::vector<Ordered> expected;
  for (std::size_t i = 0; i < x.size(); ++i) expected.push_back({x[i], static_cast<std::uint32_t>(i)});
  std::sort(expected.begin(), expected.end(),
            [](const Ordered& a, const Ordered& b) { return a.value != b.value ? a.value < b.value : a.index < b.index; });
  const std::vector<Ordered> got = ordered(x);
  REQUIRE(got.size() == x.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].value == expected[i].value);
    CHECK(got[i].index == expected[i].index);
  }
  CHECK(ordered({}).empty());
}

TEST_CASE("folding gives the distances from the center in order") {
  const std::vector<double> x = {3, -1, 4, 1, 5, -9, 2, 6};
  for (const double center : {2.5, -10.0, 7.0, 1.0}) {
    std::vector<double> expected;
    for (const double value : x) expected.push_back(std::fabs(value - center));
    const std::vector<Ordered> got = folded(ordered(x), center);
    for (const Ordered& one : got) CHECK(one.value == expected[one.index]);
    std::sort(expected.begin(), expected.end());
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i].value == expected[i]);
  }
}

TEST_CASE("scores are Blom's, ties share the average rank, and they are antisymmetric") {
  const std::vector<double> x = {10, 30, 20, 20, 50};
  std::vector<double> z(x.size());
  NormalScores(x.size())(ordered(x), z);
  const auto blom = [](double rank) { return normal_quantile((rank - 0.375) / 5.25); };
  CHECK(z[0] == doctest::Approx(blom(1)).epsilon(1e-14));
  CHECK(z[2] == doctest::Approx(blom(2.5)).epsilon(1e-14));
  CHECK(z[2] == z[3]);
  CHECK(z[1] == doctest::Approx(blom(4)).epsilon(1e-14));
  CHECK(z[4] == -z[0]);
}
