// Affine forms and dependency classes: each operation that carries an eliminated parameter linearly, through the dense oracle.
#include "hmc-marg/affine_forms.h"

#include <doctest/doctest.h>

#include "hmc-marg/affine_classes.h"
#include "hmc-marg/marginal_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

TEST_CASE("linear operations are seen through: sums, products, solves, gathers, cumulative sums, by data or by kept parameters") {
  const char* const data =
      R"({"X": [[1, 2, -1], [0.5, 0, 1], [2, -1, 0.3], [1, 1, 1]], "L": [[2, 0, 0], [0.5, 1, 0], [-1, 0.3, 1.5]], "y": [1, -1, 2, 0.5]})";
  const std::string head =
      "data { matrix[4, 3] X; matrix[3, 3] L; vector[4] y; } parameters { vector[3] z; real<lower=0> k; real c; }\n"
      "model { z ~ normal(0.3, 1.2); c ~ cauchy(0, 1); k ~ gamma(2, 1);\n";
  for (const char* rows :
       {"y ~ normal(X * z, k);", "y ~ normal(X * (k * z + c), 1);", "y[1:3] ~ normal(cumulative_sum(z), k);",
        "y[1] ~ normal(mean(z) + sum(z[2:3]) / k, 1);", "y[1:3] ~ normal(mdivide_left_tri_low(L, z), k);",
        "y[1:3] ~ normal(mdivide_left_tri_low(L * k + diag_matrix([c^2, c^2, c^2]'), z), 1);",
        "y[2] ~ normal(dot_product(z, [c, k, 1]'), 1);", "y ~ normal(append_row(z, c), k);",
        "y[1:3] ~ normal(reverse(z) - z / k, 1);", "y[2] ~ normal(-fma(k, z[2], c), 1);", "y[1] ~ normal(z' * [1, 2, 3]', k);",
        "matrix[3, 3] A = rep_matrix(z, 3) + c; y[1] ~ normal(A[2, 1] + A[3, 3], k);",
        "y[1:3] ~ multi_normal_cholesky(z * c, L); y[1:3] ~ multi_normal(z + k, add_diag(L * L', k));",
        "real s = 0; for (i in 1:3) { s += z[i] * X[1, i]; s *= k; } y[1] ~ normal(s, 1);"}) {
    CAPTURE(std::string(rows));
    const MarginalModel m = marginal_of(head + rows + " }", data);
    REQUIRE(m.marginal.target.inputs.size() == 2);
    for (int p = 0; p < 3; ++p) {
      const std::vector<double> q = point(p, 2);
      const double value = m(q);
      CHECK(std::fabs(value - dense_log_marginal(m, q)) < 1e-10 * std::max(1.0, std::fabs(value)));
      CHECK(gradient_error(m, q) < 1e-6);
    }
  }
}

TEST_CASE("classes: where each scalar stands to the candidates") {
  const auto model =
      testing::bound_model(std::string("parameters { real a; real b; real<lower=0> k; } transformed parameters { real linear = 2 "
                                       "* a + k * b; real product = a * b + 1;\n"
                                       "real curved = exp(a) + b; real free = k ^ 2; real quotient = b / a; } model { }"),
                           std::string("{}"));
  const Dependencies dependencies(model->graph, {true, true, false});
  const auto of = [&](std::size_t output) -> const DependencyClass& {
    return dependencies.of(model->graph.outputs[output].value.slot[0]);
  };
  CHECK(of(0).parameters == std::vector<int>{0, 1});
  CHECK(of(0).nonlinear.empty());
  CHECK(of(0).bilinear.empty());
  REQUIRE(of(1).bilinear.size() == 1);
  CHECK(of(1).bilinear[0].line == 1);
  CHECK(of(1).nonlinear.empty());
  REQUIRE(of(2).nonlinear.size() == 1);
  CHECK(of(2).nonlinear[0] == std::pair<int, int>{0, 2});
  CHECK(of(3).parameters.empty());
  CHECK(of(4).nonlinear[0].first == 0);
  CHECK(of(4).bilinear.size() == 1);
}

TEST_CASE("decompose writes a scalar over the scalars it is affine in, and stops at those given") {
  const auto model = testing::bound_model(
      std::string("parameters { real a; real<lower=2> b; } transformed parameters { real t = 3 * (a - 2 * b) + 1; } model { }"),
      std::string("{}"));
  const Slot t = model->graph.outputs[0].value.slot[0], a = model->graph.parameters[0].value.slot[0],
             b = model->graph.parameters[1].value.slot[0];
  std::vector<AffineTerm> terms;
  REQUIRE(decompose(model->graph.graph, GivenSlots({a, b}), t, 2, 16, terms));
  REQUIRE(terms.size() == 3);
  double constant = 0, of_a = 0, of_b = 0;
  for (const AffineTerm& term : terms) (term.ref == 0 ? constant : term.ref == a ? of_a : of_b) = term.number;
  CHECK(constant == 2);
  CHECK(of_a == 6);
  CHECK(of_b == -12);
  std::vector<AffineTerm> none;
  CHECK_FALSE(decompose(model->graph.graph, GivenSlots({a, b}), t, 2, 1, none));
  CHECK(none.empty());
}
