// Steep but correct gradients pass the check against differences; a relative error of 1e-4 in any one component does not.
#include "hmc-marg/gradient_check.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/philox.h"
#include "hmc-marg/marginal_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

// Mixture components of scale exp(q): at small ones the density bends within hundredths of a unit.
const char* const kMixture =
    "data { int N; vector[N] y; } parameters { ordered[2] mu; vector<lower=0>[2] s; real<lower=0, upper=1> th; }"
    "model { mu ~ normal(0, 2); s ~ normal(0, 2); th ~ beta(2, 2);"
    "for (n in 1:N) target += log_mix(th, normal_lpdf(y[n] | mu[1], s[1]), normal_lpdf(y[n] | mu[2], s[2])); }";
const char* const kData = R"({"N": 12, "y": [-1.7, 2.1, -0.4, 3.3, 0.2, -2.6, 1.4, 4.4, -1.1, 0.9, 2.8, -3.0]})";

std::vector<std::vector<double>> points(int dimension, int count) {
  std::vector<std::vector<double>> out;
  for (int i = 0; i < count; ++i) {
    tenfold::PhiloxStream random(3, "gradient check", static_cast<std::uint32_t>(i));
    std::vector<double> q(static_cast<std::size_t>(dimension));
    for (double& x : q) x = 4 * random.uniform() - 2;
    out.push_back(std::move(q));
  }
  return out;
}

}  // namespace

TEST_CASE("slopes and their errors: smooth, steep, at the edge of a domain, with a kink, without end") {
  const auto near = [](const Slope& s, double truth, double tolerance) {
    CAPTURE(s.value);
    CAPTURE(s.error);
    CHECK(std::fabs(s.value - truth) <= tolerance * std::max(1.0, std::fabs(truth)));
    CHECK(std::fabs(s.value - truth) <= 10 * s.error);
  };
  near(slope([](double x) { return std::sin(x); }, 0.7, 1e-9), std::cos(0.7), 1e-8);
  near(slope([](double x) { return 1e6 * std::exp(8 * x); }, 1.0, 1e-8 * 8e6 * std::exp(8.0)), 8e6 * std::exp(8.0), 1e-7);
  near(slope([](double x) { return std::log1p(std::exp(200 * (x - 0.5))); }, 0.505, 1e-8), 200 / (1 + std::exp(-1.0)), 1e-7);
  near(slope([](double x) { return std::sqrt(x); }, 0.01, 1e-8), 5, 1e-7);
  CHECK(slope([](double x) { return std::fabs(x - 1) + x; }, 1.0 + 1e-7, 1e-8).error >
        1e-7);  // nothing to be known this near to a kink
  CHECK(std::isinf(slope([](double x) { return x == 2 ? 0 : std::nan(""); }, 2.0, 1e-8).error));
}

TEST_CASE("correct gradients pass, and nearly all components are compared") {
  const std::shared_ptr<BoundModel> model = bound_model(kMixture, kData);
  Engine engine(lower(model->graph.graph, joint(model->graph)));
  const auto at = points(engine.dimension(), 200);
  const GradientCheck check =
      check_gradient(at, [&](std::span<const double> q, std::span<double> g) { return engine.log_density(q, g); }, 1e-6);
  CHECK(check.error <= 1e-6);
  CHECK(check.compared + check.skipped == 200 * engine.dimension());
  CHECK(check.skipped <= 0.02 * check.compared);
}

TEST_CASE("an error of 1e-4 in one component of one gradient is caught, a gradient that is no number too") {
  const std::shared_ptr<BoundModel> model = bound_model(kMixture, kData);
  Engine engine(lower(model->graph.graph, joint(model->graph)));
  const auto at = points(engine.dimension(), 8);
  for (std::size_t wrong = 0; wrong < static_cast<std::size_t>(engine.dimension()); ++wrong) {
    CAPTURE(wrong);
    const auto planted = [&](double factor) {
      return check_gradient(
          at,
          [&](std::span<const double> q, std::span<double> g) {
            const double value = engine.log_density(q, g);
            if (!g.empty() && std::equal(q.begin(), q.end(), at[5].begin())) g[wrong] *= factor;
            return value;
          },
          1e-6);
    };
    CHECK(planted(1).error <= 1e-6);
    CHECK(planted(1 + 1e-4).error > 1e-6);
    CHECK_FALSE(planted(std::nan("")).error <= 1e-6);
  }
}
