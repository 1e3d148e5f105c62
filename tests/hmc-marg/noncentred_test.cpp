// The non-centred form that is made of a program, against the one that is written by hand.
#include "hmc-marg/noncentred.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "hmc-marg/certificate.h"
#include "hmc-marg/marginal_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

const std::string kCentred =
    schools_program("real mu; real<lower=0> tau; vector[J] theta;",
                    "mu ~ normal(0, 5); tau ~ cauchy(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma);");

PlanOptions reparam(const std::string& list, const std::string& marginalize = "none") {
  PlanOptions options;
  options.marginalize = marginalize;
  options.reparam = list;
  return options;
}

std::pair<int, std::string> refusal(const std::string& program, const PlanOptions& options) {
  try {
    marginal_of(program, kSchoolsData, options);
    return {0, ""};
  } catch (const Error& error) {
    return {static_cast<int>(error.exit_code()), error.what()};
  }
}

}  // namespace

TEST_CASE("eight schools: equal to the program written with eta, at the same epsilon") {
  const MarginalModel made = marginal_of(kCentred, kSchoolsData, reparam("theta"));
  const std::string written =
      read_file(std::filesystem::path(TENFOLD_SOURCE_DIR) / "tests/hmc-marg/programs/schools-noncentred.stan");
  const MarginalModel by_hand = marginal_of(written, kSchoolsData, reparam("none"));
  CHECK(entry(made, "theta").rule == "noncentred");
  CHECK(entry(made, "theta").reason == "user");
  for (int k = 0; k < 40; ++k) {
    std::vector<double> q(10);
    for (std::size_t i = 0; i < q.size(); ++i) q[i] = 3 * std::sin(1.7 * k + 2.3 * static_cast<double>(i));
    q[1] = -20 + k;  // log tau: from the neck of the funnel to where it is wide
    std::vector<double> a, b;
    const double x = made(q, a), y = by_hand(q, b);
    CHECK(std::fabs(x - y) < 1e-12 * std::fabs(y));
    for (std::size_t i = 0; i < q.size(); ++i) CHECK(std::fabs(a[i] - b[i]) < 1e-12 * std::max(1.0, std::fabs(b[i])));
  }
}

TEST_CASE("the change of variables is certified, and a wrong one is not") {
  const auto model = bound_model(kCentred, kSchoolsData);
  FactorGraph changed = noncentred(model->graph, {2});
  const CertificateResult good = certify_noncentred(model->graph, changed, 1);
  CAPTURE(good.worst);
  CHECK(good.ok);
  CHECK(good.points == 32);
  CHECK(good.max_rel_error < 1e-13);
  changed.constant += 1e-4;
  CHECK(!certify_noncentred(model->graph, changed, 1).ok);
}

TEST_CASE("auto takes the kept parameters whose prior's scale is sampled, and no others") {
  const std::string program =
      "data { int J; vector[J] y; vector[J] sigma; } parameters { real m; real<lower=0> s; vector[J] a; vector[3] b; }\n"
      "model { m ~ normal(0, 1); s ~ exponential(1); a ~ normal(m, s); b ~ normal(0, 2); 1 ~ bernoulli_logit(a[1] + b[2]); 2 ~ "
      "poisson_log(a + b[3]); y ~ normal(m, sigma); }";
  const MarginalModel m = marginal_of(program, kSchoolsData, reparam("auto", "auto"));
  CHECK(entry(m, "a").rule == "noncentred");
  CHECK(entry(m, "a").reason == "family");
  CHECK(entry(m, "b").rule.empty());
  CHECK(entry(m, "m").rule.empty());
  CHECK(entry(m, "m").reason == "conflict");  // the location of a, which is sampled
  // A funnel that can be integrated out is: nothing is left to standardise.
  const MarginalModel schools = marginal_of(kCentred, kSchoolsData, reparam("auto", "auto"));
  CHECK(entry(schools, "theta").eliminated);
  const MarginalModel plain = marginal_of(kCentred, kSchoolsData, reparam("auto", "none"));
  CHECK(entry(plain, "theta").rule == "noncentred");
  // The model was rewritten; planned again it is the same.
  const Marginal again = marginalize(m.model->graph, reparam("auto", "auto"));
  CHECK(again.plan[2].rule == "noncentred");
  CHECK(again.kept == m.marginal.kept);
}

TEST_CASE("one parameter sampled as epsilon, another integrated out: the certificate holds") {
  const std::string program =
      "data { int J; vector[J] y; vector[J] sigma; } parameters { real m; real<lower=0> s; vector[J] a; vector[J] c; }\n"
      "model { m ~ normal(0, 1); s ~ exponential(1); a ~ normal(m, s); c ~ normal(1, s); 1 ~ bernoulli_logit(a[1]); y ~ normal(a "
      "+ c, sigma); }";
  const auto model = bound_model(program, kSchoolsData);
  const FactorGraph declared = model->graph;
  const Marginal marginal = marginalize(model->graph, reparam("auto", "all"));
  CHECK(marginal.plan[2].rule == "noncentred");
  CHECK(marginal.plan[3].eliminated);
  const CertificateResult c = certify(model->graph, marginal, 1);
  CAPTURE(c.worst);
  CHECK(c.ok);
  CHECK(c.max_rel_error < 1e-11);
  CHECK(certify_noncentred(declared, model->graph, 1).ok);
}

TEST_CASE("priors of scalars, in loops, with known and repeated scales, after an offset") {
  for (const char* body : {"real<lower=0> s; vector[3] a; real l; } model { s ~ exponential(1); l ~ normal(0, 1); for (i in 1:3) "
                           "a[i] ~ normal(l * i, s / i); a ~ normal(2, 3); 1 ~ poisson_log(sum(a)); }",
                           "vector[3] a; real<lower=0> s; } model { a[2:3] ~ normal(0.5, s); a[1] ~ normal(0, 1); s ~ "
                           "exponential(1); 1 ~ poisson_log(a); }",
                           "real l; real<lower=0> s; vector<offset=l, multiplier=s>[3] a; } model { l ~ normal(0, 1); s ~ "
                           "exponential(1); a ~ normal(l, s); 1 ~ poisson_log(a); }",
                           "real<lower=0> s; matrix[2, 2] a; vector[4] b; } model { s ~ exponential(1); to_vector(a) ~ normal(b, "
                           "s); b ~ normal(1, s); 1 ~ poisson_log(to_vector(a) .* b); }"}) {
    CAPTURE(body);
    const auto model = bound_model(std::string("parameters { ") + body, "{}");
    const FactorGraph declared = model->graph;
    marginalize(model->graph, reparam("a"));
    const CertificateResult c = certify_noncentred(declared, model->graph, 3);
    CAPTURE(c.worst);
    CHECK(c.ok);
    CHECK(c.max_rel_error < 1e-12);
  }
}

TEST_CASE("--reparam: names, bounds, priors that do not serve") {
  CHECK(refusal(kCentred, reparam("thta")).first == 2);
  CHECK(refusal(kCentred, reparam("thta")).second.find("`theta`") != std::string::npos);
  CHECK(refusal(kCentred, reparam("tau")).first == 4);
  CHECK(refusal(kCentred, reparam("tau")).second.find("bounds") != std::string::npos);
  CHECK(refusal(kCentred, reparam("theta", "theta")).first == 2);
  const std::string chain =
      "parameters { real<lower=0> s; vector[4] z; }\nmodel { z[1] ~ normal(0, 1); z[2:4] ~ normal(z[1:3], s); }";
  CHECK(refusal(chain, reparam("z")).first == 4);
  CHECK(refusal(chain, reparam("z")).second.find("`z`") != std::string::npos);
  const std::string flat = "parameters { vector[4] z; }\nmodel { z[1:3] ~ normal(0, 1); sum(z) ~ normal(0, 1); }";
  CHECK(refusal(flat, reparam("z")).second.find("without a normal prior") != std::string::npos);
  CHECK(refusal(chain, reparam("auto")).first == 0);  // auto leaves it as it is
}

TEST_CASE("initial values are of the parameter, also where it is declared before its location") {
  const auto model = bound_model(
      "parameters { vector[2] z; real m; real<lower=0> s; }\nmodel { m ~ normal(0, 1); s ~ exponential(1); z ~ normal(m, s); 1 ~ "
      "poisson_log(z); }",
      "{}");
  marginalize(model->graph, reparam("z"));
  std::vector<double> q(4);
  const data::JsonValue values = data::parse_json(R"({"z": [5, -1], "m": 2, "s": 3})", "i.json");
  unconstrain(model->graph, values, "i.json", {}, q);
  CHECK(q[0] == doctest::Approx(1));
  CHECK(q[1] == doctest::Approx(-1));
  CHECK(q[2] == 2);
}
