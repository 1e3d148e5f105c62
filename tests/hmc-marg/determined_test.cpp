// Improper posteriors are refused by the name of a scalar that nothing determines; proper ones, however awkward, are not.
#include "hmc-marg/determined.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "hmc-marg/certificate.h"
#include "hmc-marg/marginal_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

const char* const kData = R"({"N": 9, "J": 3, "g": [1,1,1,2,2,2,3,3,3], "x": [0.1,0.2,0.7,0.3,0.9,-0.4,0.6,1.3,-1.1],
 "y": [0.35,0.82,0.33,-1.3,0.9,0.45,-0.54,0.58,0.36], "prior": 1})";
const std::string kHead =
    "data { int N; int J; array[N] int g; vector[N] x; vector[N] y; int prior; } transformed data { vector[N] x3 = 3 * x; "
    "vector[N] far = 1e4 + x; }\n";

std::string refusal(const std::string& parameters, const std::string& body, const PlanOptions& options = largest()) {
  const MarginalModel m = marginal_of(
      kHead + "parameters {" + parameters + " real<lower=0> s; } model { s ~ normal(0, 1); " + body + " }", kData, options);
  try {
    const CertificateResult result = certify(m.model->graph, m.marginal, 1);
    return result.ok ? "" : result.worst;
  } catch (const tenfold::Error& error) {
    CHECK(error.exit_code() == tenfold::ExitCode::infeasible);
    return error.what();
  }
}

std::string dependent(const std::string& name) {
  return "`" + name +
         "`: nothing in the program determines it together with the others (an improper posterior); give it a prior, or drop it";
}
std::string alone(const std::string& name) {
  return "`" + name + "`: nothing in the program determines it (an improper posterior); give it a prior, or drop it";
}

}  // namespace

TEST_CASE("what nothing determines is named, compressed or not") {
  for (const bool compress : {true, false}) {
    CAPTURE(compress);
    const PlanOptions options{.marginalize = "all", .keep = {}, .compress = compress};
    // Which one of those that depend on each other comes last is the partition's affair.
    const auto one_of = [&](const std::string& text, const std::string& a, const std::string& b) {
      CAPTURE(text);
      CHECK((text == dependent(a) || text == dependent(b)));
    };
    one_of(refusal("real a; vector[J] u;", "y ~ normal(a + u[g], s);", options), "a", "u[3]");
    one_of(refusal("real a; real b;", "y ~ normal(a + b, s);", options), "a", "b");
    one_of(refusal("real a; real b; real c;", "y ~ normal(a + b * x + c * x3, s);", options), "b",
           "c");  // x3 = 3 x but for rounding
    one_of(refusal("real a; real b; real c;", "y ~ normal(a + b * x + c * x3, 1e-3 * s);", options), "b", "c");
    CHECK(refusal("vector[3] u;", "y ~ normal(u[1], s);", options) == alone("u[2]"));
    CHECK(refusal("matrix[2, 2] w;", "y ~ normal(w[1, 1], s); w[, 2] ~ normal(0, 1);", options) == alone("w[2,1]"));
    one_of(refusal("real a; real b;", "a ~ normal(b, 1); b ~ normal(a, 1);", options), "a", "b");  // known but for a common shift
    CHECK(refusal("real a; vector[J] u;", "if (!prior) y ~ normal(a + u[g], s); u ~ normal(0, s);", options) == alone("a"));
  }
}

TEST_CASE("proper posteriors pass: priors that settle it, weak ones, columns nearly alike, kept coefficients") {
  CHECK(refusal("real a; vector[J] u;", "u ~ normal(0, s); y ~ normal(a + u[g], s);") == "");
  CHECK(refusal("real a; real b;", "b ~ normal(0, 1000); y ~ normal(a + b, s);") == "");
  CHECK(refusal("real a; real b;", "sum([a, b]) ~ normal(0, 1); a ~ normal(b, 1); y ~ normal(a + b, s);") == "");
  CHECK(refusal("real a; vector[J] u;", "sum(u) ~ normal(0, 0.001); y ~ normal(a + u[g], s);") == "");
  CHECK(refusal("real a; real b; real k;", "k ~ normal(0, 1); y ~ normal(a + b * exp(k * x), s);") == "");
  // Squares of an uncentred predictor leave half the digits: not singular.
  const MarginalModel m = marginal_of(
      kHead + "parameters { real a; real b; real<lower=0> s; } model { s ~ normal(0, 1); y ~ normal(a + b * far, s); }", kData);
  CHECK_FALSE(undetermined(m.model->graph, m.marginal, 1));
}

TEST_CASE("a density that is -infinity for another reason is not blamed on the block") {
  const std::string text = refusal("real a;", "y ~ normal(a, s); target += log(-s);");
  CHECK(text.find("determines") == std::string::npos);
  CHECK(text != "");
}
