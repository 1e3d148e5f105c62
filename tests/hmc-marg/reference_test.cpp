// The reference evaluator on targets that hold some lanes of a node and not others.
#include <doctest/doctest.h>

#include <cmath>

#include "hmc-marg/marginal_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

TEST_CASE("one statement over eliminated and kept scalars: the reference reads the lanes of the kept ones alone") {
  const struct {
    const char* program;
    std::vector<std::string> keep;
  } cases[] = {
      {"parameters { real b; real<lower=0> s; } model { [b, s] ~ normal(0, 1); }", {}},
      {"parameters { real b; real a; real<lower=0> s; } model { b ~ normal(0, 1); [a, s] ~ normal(0, 1); exp(1.0) ~ normal(b + "
       "a, s); }",
       {}},
      {"parameters { real b; vector[2] s; } model { b ~ normal(0, 1); s ~ normal(0, 1); append_row(b, s) ~ normal(0, 2); }",
       {"b"}},
      {"parameters { vector[3] b; vector<lower=0>[2] s; } model { b ~ normal(0, 1); 2 * append_row(s, b) + 1 ~ "
       "normal(append_row(-b[1:2], rep_vector(sum(s), 3)), 2); }",
       {}},
  };
  for (const auto& [program, keep] : cases) {
    CAPTURE(program);
    const MarginalModel m = marginal_of(program, "{}", {.marginalize = "all", .keep = keep, .compress = true});
    CHECK(m.marginal.gaussian != nullptr);
    const std::size_t n = m.marginal.target.inputs.size();
    CHECK(n > 0);
    for (const double shift : {-0.7, 0.1, 1.2}) {
      std::vector<double> q(n), gradient, reference(n);
      for (std::size_t i = 0; i < n; ++i) q[i] = shift + 0.3 * static_cast<double>(i);
      const double value = m(q, gradient);
      CHECK(std::isfinite(value));
      CHECK(reference_log_density(m.model->graph.graph, m.marginal.target, q, reference) ==
            doctest::Approx(value).epsilon(1e-12));
      for (std::size_t i = 0; i < n; ++i) CHECK(reference[i] == doctest::Approx(gradient[i]).epsilon(1e-11));
    }
  }
}
