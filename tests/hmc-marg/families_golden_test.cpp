// Marginal densities of the conjugate families and of the Gaussian block against scipy.stats and against 60-digit arithmetic
// (tests/parity/hmc-marg/families.py), from scales of 1e-8 to 1e15.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "hmc-marg/marginal_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

const std::map<std::string, std::string> kPrograms = {
    {"beta",
     "data { int N; array[N] int n; array[N] int y; real a; real b; }\n"
     "parameters { vector<lower=0, upper=1>[N] x; } model { x ~ beta(a, b); y ~ binomial(n, x); }"},
    {"gamma",
     "data { int N; array[N] int y; vector[N] c; real a; real b; }\n"
     "parameters { vector<lower=0>[N] x; } model { x ~ gamma(a, b); y ~ poisson(c .* x); }"},
    {"inv_gamma",
     "data { int N; vector[N] y; vector[N] m; vector[N] s; real a; real b; }\n"
     "parameters { vector<lower=0>[N] x; } model { x ~ inv_gamma(a, b); y ~ normal(m, s .* sqrt(x)); }"},
    {"precision",
     "data { int N; vector[N] y; vector[N] m; vector[N] s; real a; real b; }\n"
     "parameters { vector<lower=0>[N] x; } model { x ~ gamma(a, b); y ~ normal(m, s .* inv_sqrt(x)); }"},
    {"shared_variance",
     "data { int N; vector[N] y; vector[N] m; vector[N] s; real a; real b; }\n"
     "parameters { real<lower=0> x; } model { x ~ inv_gamma(a, b); y ~ normal(m, s * sqrt(x)); }"},
    {"dirichlet",
     "data { int K; array[K] int y; vector[K] alpha; }\n"
     "parameters { simplex[K] x; } model { x ~ dirichlet(alpha); y ~ multinomial(x); }"},
    {"normal",
     "data { int N; int P; int J; matrix[N, P] X; array[N] int g; vector[N] y; vector[P] m0; real sb; real tau; real sigma; }\n"
     "parameters { vector[P] beta; vector[J] u; }\n"
     "model { beta ~ normal(m0, sb); u ~ normal(0, tau); y ~ normal(X * beta + u[g], sigma); }"},
};

// The same with another form of the prior's arguments.
std::string with_prior(const std::string& family, const std::string& arguments) {
  std::string program = kPrograms.at(family);
  const std::string now = family == "dirichlet" ? "(alpha)" : "(a, b)";
  program.replace(program.find(now), now.size(), arguments);
  return program;
}

// The prior's arguments as parameters of the program: multiples of a kept s, at s = 1.
double by_parameter(const std::string& family, const std::string& data) {
  std::string program = with_prior(family, family == "dirichlet" ? "(s1 * alpha)" : "(s1 * a, s1 * b)");
  program.insert(program.find("parameters {") + std::string("parameters {").size(), " real<lower=0> s1;");
  const MarginalModel m = marginal_of(program, data);
  REQUIRE(m.marginal.target.inputs.size() == 1);
  return m({0});
}

double error_of(double x, double reference) { return std::fabs(x - reference) / std::max(1.0, std::fabs(reference)); }

}  // namespace

TEST_CASE("marginals of the families are SciPy's, and exact where SciPy's are not") {
  const std::filesystem::path file = std::filesystem::path(TENFOLD_SOURCE_DIR) / "tests/parity/hmc-marg/families.json";
  const data::JsonValue golden = data::read_json(file);
  std::map<std::string, int> cases, of_scipy;
  for (const data::JsonValue& entry : golden.find("cases")->array()) {
    const std::string family = entry.find("family")->string(), data = data::to_json(*entry.find("data")).dump();
    CAPTURE(family);
    CAPTURE(data);
    const MarginalModel m = marginal_of(kPrograms.at(family), data);
    REQUIRE(m.marginal.kept.empty());
    const double exact = entry.find("exact")->number, value = m({});
    ++cases[family];
    // The normaliser of a Dirichlet with known alpha is one number with the rest of the target's constants: its rounding stays.
    double rounding = 1e-12;
    if (family == "dirichlet")
      for (const data::JsonValue& alpha : entry.find("data")->find("alpha")->array())
        rounding = std::max(rounding, 1e-15 * std::fabs(std::lgamma(alpha.number)));
    CHECK(error_of(value, exact) < rounding);
    if (entry.find("scipy")->is_number()) {
      ++of_scipy[family];
      CHECK(error_of(value, entry.find("scipy")->number) < 1e-12);
    }
    if (family == "normal") continue;
    CHECK(error_of(by_parameter(family, data), exact) < 1e-12);
    if (family == "dirichlet" || family == "shared_variance") continue;
    CHECK(error_of(marginal_of(with_prior(family, "(rep_vector(a, N), rep_vector(b, N))"), data)({}), exact) < 1e-12);
  }
  for (const auto& [family, program] : kPrograms) {
    CAPTURE(family);
    CHECK(cases[family] >= 7);
    CHECK(of_scipy[family] >= (family == "normal" ? 3 : 4));
  }
}
