// Warm-up: Stan's windows, dual averaging, window moments.
#include "hmc-marg/adapt.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace tenfold::hmc_marg;

TEST_CASE("windows are Stan's: the first is never stretched, the last takes what is left") {
  CHECK(WarmupWindows(1000).window_sizes() == std::vector<int>{25, 50, 100, 200, 500});
  CHECK(WarmupWindows(200).window_sizes() == std::vector<int>{25, 50});
  CHECK(WarmupWindows(160).window_sizes() == std::vector<int>{25, 10});
  CHECK(WarmupWindows(151).window_sizes() == std::vector<int>{25, 1});
  CHECK(WarmupWindows(150).window_sizes() == std::vector<int>{25});
  CHECK(WarmupWindows(300).window_sizes() == std::vector<int>{25, 50, 100});
  CHECK(WarmupWindows(275).window_sizes() == std::vector<int>{25, 125});
  CHECK(WarmupWindows(100).window_sizes() == std::vector<int>{75});  // 15, 75 and 10 per cent
  CHECK(WarmupWindows(19).window_sizes().empty());
}

TEST_CASE("windows begin after 75 iterations and end before the last 50") {
  const WarmupWindows windows(1000);
  CHECK_FALSE(windows.estimates(74));
  CHECK(windows.estimates(75));
  CHECK(windows.estimates(949));
  CHECK_FALSE(windows.estimates(950));
  CHECK(windows.window_ends(99));
  CHECK(windows.window_ends(149));
  CHECK(windows.window_ends(949));
  CHECK_FALSE(windows.window_ends(948));
}

TEST_CASE("dual averaging by hand") {
  DualAveraging a;
  a.restart(1);
  CHECK(a.mu == doctest::Approx(std::log(10.0)));
  // First step: eta = 1/11, s = (0.8 - 0.3)/11, x = log 10 - s * 1 / 0.05; weight 1, so the average is x itself.
  const double x = std::log(10.0) - 0.5 / 11 / 0.05;
  CHECK(a.learn(0.3) == doctest::Approx(std::exp(x)));
  CHECK(a.final_step_size() == doctest::Approx(std::exp(x)));
  // Acceptance above one counts as one.
  DualAveraging b = a, c = a;
  CHECK(b.learn(1.7) == c.learn(1.0));
}

TEST_CASE("dual averaging settles where the acceptance is the target") {
  DualAveraging a;
  a.delta = 0.8;
  a.restart(1);
  double step = 1;
  for (int i = 0; i < 4000; ++i) step = a.learn(std::exp(-step));
  CHECK(a.final_step_size() == doctest::Approx(-std::log(0.8)).epsilon(0.02));
}

TEST_CASE("window moments are the covariance, shrunk towards 1e-3") {
  const std::vector<std::vector<double>> draws = {{1, 2}, {3, 1}, {2, 6}, {4, 5}};
  for (const MetricKind kind : {MetricKind::diag, MetricKind::dense}) {
    WindowMoments moments(kind, 2);
    for (const auto& q : draws) moments.add(q);
    const std::vector<double> w = moments.regularised();
    const double shrink = 4.0 / 9, floor = 1e-3 * 5 / 9;
    const double var0 = 5.0 / 3, var1 = 17.0 / 3, cov = 2.0 / 3;  // (sums of products about the means 2.5 and 3.5) / 3
    CHECK(w.front() == doctest::Approx(shrink * var0 + floor));
    CHECK(w.back() == doctest::Approx(shrink * var1 + floor));
    if (kind == MetricKind::dense) {
      CHECK(w[1] == doctest::Approx(shrink * cov));
      CHECK(w[1] == w[2]);
    }
  }
}
