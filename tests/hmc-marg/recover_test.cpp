// The conditional against numbers by hand, and its draws against its own moments.
#include "hmc-marg/recover.h"

#include <doctest/doctest.h>

#include "base/philox.h"
#include "hmc-marg/marginal_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

TEST_CASE("one school by hand: means, variances and the covariance of mu and theta") {
  const MarginalModel m = marginal_of(
      "parameters { real mu; real theta; } model { mu ~ normal(0, 5); theta ~ normal(mu, 5); 28 ~ normal(theta, 15); }", "{}");
  Recovery recovery(m.model->graph, m.marginal);
  REQUIRE(recovery.eliminated_size() == 2);
  REQUIRE(recovery.kept_size() == 0);
  REQUIRE(recovery.condition({}));
  double mean[2], variance[2];
  recovery.mean(mean);
  recovery.variance(variance);
  CHECK(mean[0] == doctest::Approx(28.0 / 11).epsilon(1e-14));
  CHECK(mean[1] == doctest::Approx(56.0 / 11).epsilon(1e-14));
  CHECK(variance[1] == doctest::Approx(450.0 / 11).epsilon(1e-14));
  CHECK(recovery.covariance(0, 1) == doctest::Approx(225.0 / 11).epsilon(1e-14));
  CHECK(recovery.covariance(1, 0) == doctest::Approx(225.0 / 11).epsilon(1e-14));
}

TEST_CASE("draws have the conditional's means and covariances, and its density integrates the joint") {
  const MarginalModel m = marginal_of(schools_program("real mu; real<lower=0> tau; vector[J] theta;",
                                                      "mu ~ normal(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma);"),
                                      kSchoolsData);
  Recovery recovery(m.model->graph, m.marginal);
  REQUIRE(recovery.kept_size() == 1);
  const double tau = 3;
  REQUIRE(recovery.condition({&tau, 1}));
  const std::size_t n = recovery.eliminated_size();
  REQUIRE(n == 9);
  std::vector<double> mean(n), variance(n), z(n), sum(n, 0), square(n, 0);
  recovery.mean(mean);
  recovery.variance(variance);
  const int draws = 40000;
  double product = 0;
  for (int k = 0; k < draws; ++k) {
    tenfold::PhiloxStream random(1, "recover", 0, static_cast<std::uint32_t>(k));
    recovery.draw(random, z);
    for (std::size_t i = 0; i < n; ++i) {
      sum[i] += z[i] - mean[i];
      square[i] += (z[i] - mean[i]) * (z[i] - mean[i]);
    }
    product += (z[0] - mean[0]) * (z[3] - mean[3]);
  }
  for (std::size_t i = 0; i < n; ++i) {
    CHECK(std::fabs(sum[i] / draws) < 4.5 * std::sqrt(variance[i] / draws));
    CHECK(std::fabs(square[i] / draws / variance[i] - 1) < 4.5 * std::sqrt(2.0 / draws));
  }
  CHECK(std::fabs(product / draws - recovery.covariance(0, 3)) < 4.5 * std::sqrt(2 * variance[0] * variance[3] / draws));

  // At any z: log joint - log conditional is the marginal.
  TargetSpec joint = joint_target(m.model->graph);
  const double q = std::log(tau);
  for (int k = 0; k < 5; ++k) {
    for (std::size_t i = 0; i < n; ++i) z[i] = mean[i] + 0.3 * k * (i % 2 ? 1 : -1);
    std::vector<double> all = {z[0], q};  // mu, log tau, theta
    all.insert(all.end(), z.begin() + 1, z.end());
    CHECK(reference_log_density(m.model->graph.graph, joint, all, {}) - recovery.log_conditional(z) ==
          doctest::Approx(m({q})).epsilon(1e-12));
  }
}

TEST_CASE("the same stream gives the same draw, whatever was drawn before") {
  const MarginalModel m = marginal_of(schools_program("real mu; real<lower=0> tau; vector[J] theta;",
                                                      "mu ~ normal(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma);"),
                                      kSchoolsData);
  Recovery one(m.model->graph, m.marginal), two(m.model->graph, m.marginal);
  std::vector<double> a(9), b(9);
  for (const double tau : {0.1, 2.0, 50.0}) {
    REQUIRE(one.condition({&tau, 1}));
    tenfold::PhiloxStream random(3, "recover", 1, 7);
    one.draw(random, a);
  }
  const double last = 50.0;
  REQUIRE(two.condition({&last, 1}));
  tenfold::PhiloxStream random(3, "recover", 1, 7);
  two.draw(random, b);
  CHECK(a == b);
}

TEST_CASE("a conditional that does not exist is said to, and draws NaN") {
  const MarginalModel m = marginal_of("parameters { real a; real b; real<lower=0> s; } model { 1 ~ normal(a + b, s); }", "{}");
  Recovery recovery(m.model->graph, m.marginal);
  const double s = 1;
  CHECK_FALSE(recovery.condition({&s, 1}));
  tenfold::PhiloxStream random(3, "recover");
  std::vector<double> z(2);
  recovery.draw(random, z);
  CHECK(std::isnan(z[0]));
}
