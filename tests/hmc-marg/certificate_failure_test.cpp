// What is said where a certificate does not hold: the first term that is not finite, an infinite datum, an improper posterior;
// and that the program can be sampled as it stands only where it can.
#include "hmc-marg/certificate_failure.h"

#include <doctest/doctest.h>

#include "hmc-marg/sampling_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

std::string failure(const std::string& program, const std::string& data = "{}") {
  Model model = load_text(program, data);
  const Marginal marginal = marginalize(model.graph, {.marginalize = "all"});
  const CertificateResult result = certify(model.graph, marginal, 1);
  REQUIRE_FALSE(result.ok);
  return certificate_failure(model, marginal, result, 1);
}

}  // namespace

TEST_CASE("an infinite datum: its name, the line of the first density that is not finite, no promise") {
  const std::string text = failure(
      "data { vector[3] y; vector[2] x; }\nparameters { real mu; real<lower=0> tau; }\nmodel {\n mu ~ normal(0, 5);\n"
      " tau ~ normal(0, 5);\n y ~ normal(mu, tau);\n}",
      R"({"y": [1, 2, "Inf"], "x": [1, 2]})");
  CHECK(text.starts_with("m.stan:6: the density is not finite at any of 64 points"));
  CHECK(text.find("`y` is infinite at element [3]") != std::string::npos);
  CHECK(text.find("still works") == std::string::npos);
}

TEST_CASE("an integral that is finite nowhere is an improper posterior, and not offered to the sampler") {
  const std::string text = failure(
      "parameters { simplex[3] t; real<lower=0> s; }\n"
      "model { s ~ exponential(1); t ~ dirichlet([1, 1, 1]'); target += -1.5 * log(t[1]); }");
  CHECK(text.find("the integral over t, s is finite at none of") != std::string::npos);
  CHECK(text.find("improper") != std::string::npos);
  CHECK(text.find("still works") == std::string::npos);
}

TEST_CASE("a broken identity of a density that is finite: sampled as it stands it is sound") {
  Model model =
      load_text("parameters { real mu; real<lower=0> s; } model { s ~ exponential(1); mu ~ normal(0, s); 1 ~ normal(mu, 1); }");
  const Marginal marginal = marginalize(model.graph, {.marginalize = "mu"});
  CertificateResult broken = certify(model.graph, marginal, 1);
  REQUIRE(broken.ok);
  CHECK(broken.lost == 0);
  broken.ok = false;
  const std::string text = certificate_failure(model, marginal, broken, 1);
  CHECK(text.find("identity certificate is broken") != std::string::npos);
  CHECK(text.ends_with("--marginalize none still works"));
}
