// Ratios of timings and rank correlations, by hand.
#include "mtl-prune/speed.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/philox.h"
#include "mtl-prune/score_table.h"

using namespace tenfold;
using mtl_prune::SpeedRatio;

namespace {

std::vector<double> noisy(double around, double spread, std::uint32_t id) {
  PhiloxStream random(7, "timings", id);
  std::vector<double> runs;
  for (int i = 0; i < 40; ++i) runs.push_back(around + spread * random.uniform());
  return runs;
}

}  // namespace

TEST_CASE("the ratio of medians with its interval; one that holds 1 shows no difference") {
  const SpeedRatio twice = mtl_prune::compare_speed(noisy(2, 0.2, 1), noisy(1, 0.1, 2), 1);
  CHECK(twice.ratio == doctest::Approx(2).epsilon(0.05));
  CHECK(twice.shown);
  CHECK(twice.interval.low > 1.8);
  CHECK(twice.interval.high < 2.2);
  CHECK(verdict(twice).find("times faster") != std::string::npos);
  const SpeedRatio same = mtl_prune::compare_speed(noisy(1, 1, 3), noisy(1, 1, 4), 1);
  CHECK_FALSE(same.shown);
  CHECK(same.interval.contains(1));
  CHECK(verdict(same) == "no difference shown");
  const SpeedRatio slower = mtl_prune::compare_speed(noisy(1, 0.01, 5), noisy(4, 0.01, 6), 1);
  CHECK(verdict(slower) == "3.99 times slower");
}

TEST_CASE("Spearman's correlation: order alone counts, ties share their mean rank") {
  const std::vector<double> a = {1, 2, 3, 4}, grows = {10, 11, 100, 1e6}, falls = {4, 3, 2, 1}, tied = {1, 1, 2, 2};
  CHECK(mtl_prune::spearman(a, grows) == doctest::Approx(1));
  CHECK(mtl_prune::spearman(a, falls) == doctest::Approx(-1));
  CHECK(mtl_prune::spearman(a, tied) == doctest::Approx(4 / std::sqrt(20.0)));
  CHECK(std::isnan(mtl_prune::spearman(a, std::vector<double>(4, 1.0))));
}
