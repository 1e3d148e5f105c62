// The oracle in LibTorch against the elimination: one integrates by autograd over the program as written, the other by rules.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "base/error.h"
#include "hmc-marg/marginal_support.h"
#include "hmc-marg/torch_part.h"

extern "C" void* tenfold_torch_part_make();

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

TorchPart& oracle() {
  static const std::unique_ptr<TorchPart> part(static_cast<TorchPart*>(tenfold_torch_part_make()));
  return *part;
}

// Largest relative difference of value and gradient over a few points.
double difference(const MarginalModel& m) {
  const std::size_t d = m.marginal.target.inputs.size();
  double worst = 0;
  for (int which = 0; which < 3; ++which) {
    const std::vector<double> q = testing::point(which, static_cast<int>(d));
    std::vector<double> ours, theirs(d);
    const double x = m(q, ours), y = oracle().log_density(m.model->graph, m.marginal.eliminated, q, theirs);
    worst = std::max(worst, std::fabs(x - y) / std::max(1.0, std::fabs(y)));
    double scale = 1;
    for (const double g : theirs) scale = std::max(scale, std::fabs(g));
    for (std::size_t i = 0; i < d; ++i) worst = std::max(worst, std::fabs(ours[i] - theirs[i]) / scale);
    if (!std::isfinite(x) || !std::isfinite(y)) return INFINITY;
  }
  return worst;
}

// `out`: how many parameters must be integrated out.
void check(const std::string& parameters, const std::string& statements, int out) {
  CAPTURE(statements);
  const std::string data =
      "data { array[6] int y; array[6] int n; array[6] int g; vector[6] r; vector[6] p; array[6] int k; array[3] int m; }\n";
  const MarginalModel m = marginal_of(
      data + "parameters { " + parameters + " }\nmodel { " + statements + " }",
      R"({"y": [0, 3, 1, 7, 2, 2], "n": [4, 9, 1, 8, 2, 20], "g": [1, 1, 2, 3, 3, 3], "r": [-1.5, 0.3, 2.2, -0.4, 5, 0.01],
          "p": [0.2, 1.7, 3.1, 0.6, 9, 2], "k": [1, 3, 3, 2, 1, 1], "m": [4, 0, 11]})");
  REQUIRE(static_cast<int>(m.marginal.eliminated.size()) == out);
  CHECK(difference(m) < 1e-9);
}

}  // namespace

TEST_CASE("rates: gamma priors with all their children") {
  const std::string kept = "real<lower=0> a; real<lower=0> b; real<lower=0> c; ";
  check(kept + "vector<lower=0>[6] x;", "{a, b, c} ~ lognormal(0, 1); x ~ gamma(a, b); y ~ poisson(c * x);", 1);
  check(kept + "vector<lower=0>[3] x;",
        "{a, b, c} ~ lognormal(0, 1); x ~ gamma(a, b); y ~ poisson(x[g]); p ~ exponential(c * x[g]);", 1);
  check(kept + "vector<lower=0>[3] x;", "{a, b, c} ~ lognormal(0, 1); x ~ gamma(a, b); p ~ gamma(c, x[g]);", 1);
  check(kept + "real<lower=0> x;",
        "{a, b, c} ~ lognormal(0, 1); x ~ gamma(a, b); p + 1 ~ pareto(1, x); r ~ normal(c, inv_sqrt(x));", 1);
  check(kept + "vector<lower=0>[3] x;", "{a, b, c} ~ lognormal(0, 1); x ~ exponential(b); r ~ normal(a, c ./ sqrt(x[g]));", 1);
  check("vector<lower=0>[3] x;", "y ~ poisson(x[g]); p ~ exponential(x[g]);", 1);  // flat
  check("vector<lower=0>[3] x;", "x ~ chi_square(3); y ~ poisson(x[g]);", 1);
}

TEST_CASE("variances: inverse gamma priors with all their children") {
  const std::string kept = "real<lower=0> a; real<lower=0> b; real c; ";
  const std::string priors = "a ~ lognormal(0, 1); b ~ lognormal(0, 1); c ~ normal(0, 1); ";
  check(kept + "vector<lower=0>[3] x;", priors + "x ~ inv_gamma(a, b); r ~ normal(c, sqrt(x[g]));", 1);
  check(kept + "vector<lower=0>[3] x;",
        priors + "x ~ inv_gamma(a, b); p ~ gamma(2, exp(c) ./ x[g]); r ~ normal(c, 0.3 * sqrt(x[g]));", 1);
  check(kept + "real<lower=0> x;", priors + "x ~ scaled_inv_chi_square(a, b); r ~ normal(c * p, sqrt(x));", 1);
  check("real<lower=0> x;", "r ~ normal(0, sqrt(x));", 1);  // flat
}

TEST_CASE("variances far from 1") {
  // The kernel's scale is 1e-10 or 1e10 times where the oracle starts to look.
  for (const char* scale : {"1e-5", "1e5"})
    check(
        "real<lower=0> a; real<lower=0> x;",
        "a ~ lognormal(0, 1); x ~ inv_gamma(a, a * square(" + std::string(scale) + ")); " + scale + " * r ~ normal(0, sqrt(x));",
        1);
}

TEST_CASE("probabilities: beta and Dirichlet priors") {
  const std::string kept = "real<lower=0> a; real<lower=0> b; ";
  const std::string priors = "a ~ lognormal(0, 1); b ~ lognormal(0, 1); ";
  check(kept + "vector<lower=0, upper=1>[6] x;", priors + "x ~ beta(a, b); y ~ binomial(20, x);", 1);
  check(kept + "vector<lower=0, upper=1>[3] x;",
        priors + "x ~ beta(a, b); y ~ binomial(20, 1 - x[g]); for (i in 1:6) (k[i] > 1) ~ bernoulli(x[g[i]]);", 1);
  check("vector<lower=0, upper=1>[6] x;", "y ~ binomial(20, x);", 1);  // flat
  check(kept + "simplex[3] x;", priors + "x ~ dirichlet([a, b, 2]'); k ~ categorical(x); m ~ multinomial(x);", 1);
  check(kept + "array[2] simplex[3] x;",
        priors + "for (i in 1:2) x[i] ~ dirichlet(rep_vector(a + i * b, 3)); m ~ multinomial(x[1]); k ~ categorical(x[2]);", 1);
  check("simplex[3] x;", "k ~ categorical(x);", 1);  // flat
}

TEST_CASE("a block and families side by side") {
  check("real<lower=0> a; real<lower=0> t; vector[3] u; vector<lower=0>[3] x; simplex[3] s;",
        "a ~ lognormal(0, 1); t ~ normal(0, 1); u ~ normal(0, t); r ~ normal(u[g] + 2 * p, 0.5); x ~ gamma(a, 2); y ~ "
        "poisson(t * x[g]); s ~ dirichlet([a, a, 1]'); k ~ categorical(s);",
        3);
}

TEST_CASE("what the oracle must not integrate it refuses") {
  // The plan is made up: x has no conjugate prior, u enters a scale.
  const auto model =
      bound_model("parameters { real<lower=0> x; real u; } model { x ~ lognormal(0, 1); u ~ normal(0, exp(u)); }", "{}");
  std::vector<double> none;
  CHECK_THROWS_WITH_AS(oracle().log_density(model->graph, {0}, std::vector<double>{0}, none),
                       "the oracle met an eliminated parameter whose density is of no conjugate family", Error);
  CHECK_THROWS_AS(oracle().log_density(model->graph, {1}, std::vector<double>{0}, none), Error);
}
