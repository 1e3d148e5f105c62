// NUTS: the integrator's order and reversibility, stationarity, divergences, the momentum's covariance.
#include "hmc-marg/nuts.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/adapt.h"
#include "stats/mcmc.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

// N(0, Sigma) with Sigma_ij = rho^|i-j|, whose precision is tridiagonal.
class Autoregressive final : public LogDensity {
 public:
  Autoregressive(int dimension, double rho) : d_(dimension), rho_(rho) {}
  int dimension() const override { return d_; }
  double evaluate(std::span<const double> q, std::span<double> g) override {
    const double s = 1 / (1 - rho_ * rho_);
    double value = -0.5 * q[0] * q[0];
    for (double& v : g) v = 0;
    g[0] = -q[0];
    for (std::size_t i = 1; i < q.size(); ++i) {
      const double e = q[i] - rho_ * q[i - 1];
      value -= 0.5 * s * e * e;
      g[i] -= s * e;
      g[i - 1] += s * rho_ * e;
    }
    return value;
  }

 private:
  int d_;
  double rho_;
};

// Neal's funnel: v ~ N(0, 3), x_i ~ N(0, e^(v/2)).
class Funnel final : public LogDensity {
 public:
  int dimension() const override { return 10; }
  double evaluate(std::span<const double> q, std::span<double> g) override {
    const double v = q[0], w = std::exp(-v);
    double value = -v * v / 18 - 4.5 * v;
    g[0] = -v / 9 - 4.5;
    for (std::size_t i = 1; i < 10; ++i) {
      value -= 0.5 * w * q[i] * q[i];
      g[0] += 0.5 * w * q[i] * q[i];
      g[i] = -w * q[i];
    }
    return value;
  }
};

// Warm-up and draws of one chain as Stan runs it.
std::vector<std::vector<double>> run(LogDensity& density, int warmup, int draws, std::uint64_t seed, MetricKind kind,
                                     long* divergences = nullptr) {
  Nuts nuts(density, Metric(kind, density.dimension()));
  std::vector<double> q(static_cast<std::size_t>(density.dimension()));
  PhiloxStream init(seed, "test init");
  for (double& v : q) v = 4 * init.uniform() - 2;
  REQUIRE(nuts.set_position(q));
  DualAveraging averaging;
  WarmupWindows windows(warmup);
  WindowMoments moments(kind, density.dimension());
  PhiloxStream first(seed, "test step");
  averaging.restart(1);
  nuts.find_step_size(first);
  std::vector<std::vector<double>> columns(q.size());
  for (int i = 0; i < warmup + draws; ++i) {
    PhiloxStream random(seed, "test nuts", static_cast<std::uint32_t>(i));
    const Transition t = nuts.transition(random);
    if (i < warmup) {
      nuts.set_step_size(averaging.learn(t.accept_stat));
      if (windows.estimates(i)) moments.add(nuts.position());
      if (windows.window_ends(i)) {
        nuts.set_metric(moments.regularised());
        moments.restart();
        nuts.find_step_size(random);
        averaging.restart(nuts.step_size());
      }
      if (i + 1 == warmup) nuts.set_step_size(averaging.final_step_size());
      continue;
    }
    if (divergences) *divergences += t.divergent;
    for (std::size_t k = 0; k < q.size(); ++k) columns[k].push_back(nuts.position()[k]);
  }
  return columns;
}

}  // namespace

TEST_CASE("the energy error of a leapfrog trajectory falls with the square of the step") {
  Autoregressive density(5, 0.7);
  const auto error = [&](double step) {
    Nuts nuts(density, Metric(MetricKind::unit, 5));
    std::vector<double> q = {0.3, -1, 0.5, 1.2, -0.4}, p = {1, 0.2, -0.7, 0.4, 0.9};
    const double before = nuts.hamiltonian(q, p);
    for (int i = 0; i < static_cast<int>(std::lround(1.6 / step)); ++i) nuts.leapfrog(q, p, step);
    return std::abs(nuts.hamiltonian(q, p) - before);
  };
  const double slope = std::log(error(0.02) / error(0.005)) / std::log(4.0);
  CHECK(slope == doctest::Approx(2).epsilon(0.02));
}

TEST_CASE("a trajectory run backwards returns to where it began") {
  Funnel density;
  Nuts nuts(density, Metric(MetricKind::unit, 10));
  std::vector<double> q(10, 0.4), p(10, -0.3);
  const std::vector<double> q0 = q, p0 = p;
  for (int i = 0; i < 50; ++i) nuts.leapfrog(q, p, 0.05);
  CHECK(std::abs(q[0] - q0[0]) > 0.1);
  for (double& v : p) v = -v;
  for (int i = 0; i < 50; ++i) nuts.leapfrog(q, p, 0.05);
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(std::abs(q[i] - q0[i]) < 1e-10);
    CHECK(std::abs(p[i] + p0[i]) < 1e-10);
  }
}

TEST_CASE("a correlated Gaussian of 100 dimensions has its moments within four standard errors") {
  Autoregressive density(100, 0.8);
  std::vector<std::vector<std::vector<double>>> chains;
  for (const std::uint64_t seed : {1, 2}) chains.push_back(run(density, 600, 1000, seed, MetricKind::diag));
  double worst_mean = 0, worst_square = 0;
  for (std::size_t k = 0; k < 100; ++k) {
    std::vector<std::vector<double>> x = {chains[0][k], chains[1][k]}, square = x;
    for (auto& chain : square)
      for (double& v : chain) v = v * v;
    double mean = 0, mean_square = 0;
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < 1000; ++i) {
        mean += x[c][i] / 2000;
        mean_square += square[c][i] / 2000;
      }
    worst_mean = std::max(worst_mean, std::abs(mean) / stats::mcse_mean(stats::Draws(x)));
    worst_square = std::max(worst_square, std::abs(mean_square - 1) / stats::mcse_mean(stats::Draws(square)));
  }
  CHECK(worst_mean < 4);
  CHECK(worst_square < 4);
}

TEST_CASE("a dense metric learns the covariance and small dimensions sample alike") {
  for (const int d : {1, 2, 3, 4, 5}) {  // 1 to 4 are compiled apart
    Autoregressive density(d, 0.9);
    const auto columns = run(density, 500, 4000, 11, d % 2 ? MetricKind::dense : MetricKind::diag);
    for (const auto& column : columns) {
      double mean = 0, square = 0;
      for (const double v : column) {
        mean += v / 4000;
        square += v * v / 4000;
      }
      INFO("dimension ", d);
      CHECK(std::abs(mean) < 4 * stats::mcse_mean(stats::Draws({column})));
      CHECK(std::sqrt(square - mean * mean) == doctest::Approx(1).epsilon(0.08));
    }
  }
}

TEST_CASE("the funnel diverges") {
  Funnel density;
  long divergences = 0;
  for (const std::uint64_t seed : {1, 2, 3, 4}) run(density, 500, 2000, seed, MetricKind::diag, &divergences);
  CHECK(divergences > 0);
}

TEST_CASE("momenta have the inverse of the inverse mass as covariance") {
  Metric metric(MetricKind::dense, 2);
  metric.set({2, 1.2, 1.2, 1});  // inverse: [1, -1.2; -1.2, 2] / 0.56
  PhiloxStream random(1, "momentum");
  double s00 = 0, s01 = 0, s11 = 0;
  constexpr int kDraws = 200000;
  for (int i = 0; i < kDraws; ++i) {
    double p[2];
    metric.draw_momentum(random, p);
    s00 += p[0] * p[0] / kDraws;
    s01 += p[0] * p[1] / kDraws;
    s11 += p[1] * p[1] / kDraws;
  }
  CHECK(s00 == doctest::Approx(1 / 0.56).epsilon(0.02));
  CHECK(s01 == doctest::Approx(-1.2 / 0.56).epsilon(0.02));
  CHECK(s11 == doctest::Approx(2 / 0.56).epsilon(0.02));
  CHECK_THROWS_AS(metric.set({1, 2, 2, 1}), Error);
}

TEST_CASE("trajectories are as long as their depth says, and the energy is that of the selected point") {
  Autoregressive density(3, 0.5);
  Nuts nuts(density, Metric(MetricKind::unit, 3), NutsOptions{.max_depth = 4});
  REQUIRE(nuts.set_position(std::vector<double>{0.1, 0.2, 0.3}));
  nuts.set_step_size(0.01);  // far too short to turn back: the depth limit ends it
  PhiloxStream random(1, "depth");
  const Transition t = nuts.transition(random);
  CHECK(t.depth == 4);
  CHECK(t.leapfrogs == 15);
  CHECK(t.accept_stat == doctest::Approx(1).epsilon(1e-3));
  CHECK(t.energy >= -nuts.log_density());
}

TEST_CASE("an improper density is named as such") {
  struct Flat final : LogDensity {
    int dimension() const override { return 1; }
    double evaluate(std::span<const double>, std::span<double> g) override { return g[0] = 0; }
  } flat;
  Nuts nuts(flat, Metric(MetricKind::unit, 1));
  REQUIRE(nuts.set_position(std::vector<double>{0.0}));
  PhiloxStream random(1, "improper");
  CHECK_THROWS_WITH_AS(nuts.find_step_size(random), doctest::Contains("improper"), Error);
}

TEST_CASE("a transition that is given up leaves no trace and, done again, gives what it would have given") {
  for (const int dimension : {2, 40}) {
    Autoregressive density(dimension, 0.95);
    const std::vector<double> start(static_cast<std::size_t>(dimension), 0.3);
    const auto fresh = [&] {
      Nuts nuts(density, Metric(MetricKind::unit, dimension));
      REQUIRE(nuts.set_position(start));
      nuts.set_step_size(0.02);
      return nuts;
    };
    Nuts whole = fresh(), stopped = fresh();
    PhiloxStream random(7, "test");
    const Transition expected = whole.transition(random);
    REQUIRE(expected.leapfrogs > 31);

    for (int asked = 1; asked <= 4; ++asked) {
      CAPTURE(asked);
      int times = 0;
      PhiloxStream cut(7, "test");
      const std::uint64_t gradients = stopped.gradients();
      CHECK(stopped.transition(cut, [&] { return ++times == asked; }).abandoned);
      CHECK(times == asked);
      CHECK(std::vector<double>(stopped.position().begin(), stopped.position().end()) == start);
      CHECK(stopped.gradients() == gradients);
    }
    PhiloxStream again(7, "test");
    const Transition t = stopped.transition(again, [] { return false; });
    CHECK_FALSE(t.abandoned);
    CHECK(t.leapfrogs == expected.leapfrogs);
    CHECK(t.energy == expected.energy);
    CHECK(t.accept_stat == expected.accept_stat);
    CHECK(stopped.log_density() == whole.log_density());
    CHECK(stopped.gradients() == whole.gradients());
    CHECK(std::vector<double>(stopped.position().begin(), stopped.position().end()) ==
          std::vector<double>(whole.position().begin(), whole.position().end()));
  }
}
