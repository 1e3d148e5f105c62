// Exact posteriors: closed forms, SciPy's quadrature of the same programs (tests/parity/hmc-marg/exact.py), refusals.
#include "hmc-marg/exact.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/files.h"
#include "data/json_reader.h"
#include "hmc-marg/exact_against.h"
#include "hmc-marg/exact_evidence.h"
#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

ExactResult exact(const std::string& program, const std::string& data = "{}", const ExactOptions& options = {},
                  const PlanOptions& plan = {.marginalize = "all"}, int threads = 2) {
  Model model = load_text(program, data);
  const Marginal marginal = marginalize(model.graph, plan);
  QuietRun run(1, threads);
  return integrate(model, marginal, options, run);
}

const ExactQuantity& find(const ExactResult& result, const std::string& name, bool unconstrained = false) {
  for (const ExactQuantity& q : result.quantities)
    if (q.name == name && q.unconstrained == unconstrained) return q;
  throw std::runtime_error("no quantity " + name);
}

std::string refusal(const std::string& program, const ExactOptions& options = {}) {
  try {
    exact(program, "{}", options);
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::infeasible);
    return error.what();
  }
  return "";
}

std::optional<double> log_mass(const std::string& program) { return prior_mass(load_text(program)).log_mass; }

}  // namespace

TEST_CASE("SciPy's quadrature gives the same posteriors to 1e-9") {
  const std::filesystem::path root = TENFOLD_SOURCE_DIR;
  const data::JsonValue golden = data::read_json(root / "tests/parity/hmc-marg/exact.json");
  REQUIRE(golden.object().size() == 2);
  for (const data::JsonMember& model : golden.object()) {
    CAPTURE(std::string(model.key));
    const std::string base = (root / "sample_data/hmc-marg" / std::string(model.key)).string();
    const ExactResult result = exact(read_file(base + ".stan"), read_file(base + ".json"));
    REQUIRE(result.log_evidence);
    REQUIRE(result.log_evidence_normalised);
    CHECK(std::fabs(*result.log_evidence - *model.value.find("log_evidence")->real()) < 1e-9);
    CHECK(std::fabs(*result.log_evidence_normalised - *model.value.find("log_evidence_normalised")->real()) < 1e-9);
    CHECK(result.error < 1e-9);
    const data::JsonValue& quantities = *model.value.find("quantities");
    REQUIRE(quantities.object().size() == result.quantities.size());
    for (const ExactQuantity& q : result.quantities) {
      CAPTURE(q.name);
      const data::JsonValue* values = quantities.find(q.unconstrained ? "unconstrained " + q.name : q.name);
      REQUIRE(values);
      const double ours[] = {q.mean, q.sd, q.q5, q.q50, q.q95};
      for (std::size_t i = 0; i < 5; ++i) CHECK(std::fabs(ours[i] - *values->array()[i].real()) < 1e-9 * q.sd);
    }
  }
}

TEST_CASE("nothing left to sample: the closed form") {
  const ExactResult r =
      exact("parameters { real mu; real theta; } model { mu ~ normal(0, 5); theta ~ normal(mu, 5); 28 ~ normal(theta, 15); }");
  CHECK(*r.log_evidence == doctest::Approx(-5.152778627492504).epsilon(1e-14));
  CHECK(*r.log_evidence_normalised == *r.log_evidence);
  const ExactQuantity& theta = find(r, "theta");
  CHECK(theta.mean == doctest::Approx(56.0 / 11).epsilon(1e-13));
  CHECK(theta.sd == doctest::Approx(std::sqrt(450.0 / 11)).epsilon(1e-13));
  CHECK(theta.q95 == doctest::Approx(56.0 / 11 + 1.6448536269514722 * std::sqrt(450.0 / 11)).epsilon(1e-12));
  CHECK(r.points == 1);
}

TEST_CASE("a conjugate family recovered over its hyper-parameter equals the family kept and integrated") {
  const std::string program =
      "parameters { real<lower=0> b; real<lower=0> x; } model { b ~ gamma(3, 2); x ~ gamma(2, b); 4 ~ poisson(x); 1 ~ "
      "poisson(x); }";
  const ExactResult out = exact(program, "{}", {}, {.marginalize = "x"}), in = exact(program, "{}", {}, {.marginalize = "none"});
  CHECK(*out.log_evidence == doctest::Approx(*in.log_evidence).epsilon(1e-11));
  for (const char* name : {"b", "x"}) {
    const ExactQuantity &a = find(out, name), &b = find(in, name);
    CHECK(a.mean == doctest::Approx(b.mean).epsilon(1e-10));
    CHECK(a.sd == doctest::Approx(b.sd).epsilon(1e-10));
    CHECK(a.q5 == doctest::Approx(b.q5).epsilon(1e-9));
    CHECK(a.q95 == doctest::Approx(b.q95).epsilon(1e-9));
  }
  CHECK(find(out, "x").kind == ColumnKind::eliminated);
}

TEST_CASE("a moment that the tails decide is none; quantiles and the unconstrained scale stay") {
  // x ~ Pareto(1, 3): E x = 3/2 and E x^2 = 3; the integrand of the second moment has not vanished where the grid ends.
  const ExactResult r = exact("parameters { real<lower=1> x; } model { x ~ pareto(1, 3); }");
  CHECK(find(r, "x").mean == doctest::Approx(1.5).epsilon(1e-9));
  CHECK(std::isnan(find(r, "x").sd));
  CHECK(find(r, "x").q95 == doctest::Approx(std::pow(0.05, -1.0 / 3)).epsilon(1e-10));
  CHECK(*r.log_evidence == doctest::Approx(0).epsilon(1e-10));
  // Pareto(1, 1.5) has a mean of 3, too far out for this grid; log(x - 1) has all moments: E = digamma(1) - digamma(1.5).
  const ExactResult heavy = exact("parameters { real<lower=1> x; } model { x ~ pareto(1, 1.5); }");
  CHECK(std::isnan(find(heavy, "x").mean));
  CHECK(std::isnan(find(heavy, "x").sd));
  CHECK(find(heavy, "x", true).mean == doctest::Approx(-std::numbers::egamma - 0.03648997397857652).epsilon(1e-10));
}

TEST_CASE("two separate modes are both on the grid") {
  const ExactResult r =
      exact("parameters { real x; } model { target += log_mix(0.25, normal_lpdf(x | -1.5, 0.01), normal_lpdf(x | 1.5, 0.02)); }");
  CHECK(find(r, "x").mean == doctest::Approx(0.75).epsilon(1e-9));
  CHECK(r.log_integral == doctest::Approx(0).epsilon(1e-9));
}

TEST_CASE("modes far apart and narrow are found") {
  const auto mixture = [](const std::string& second) {
    return exact("parameters { real m; } model { target += log_mix(0.3, normal_lpdf(m | -2, 0.1), normal_lpdf(m | " + second +
                 ")); }");
  };
  for (const auto& [second, at] : {std::pair{"60, 0.1", 60.0}, {"6, 0.02", 6.0}, {"-170, 0.5", -170.0}}) {
    CAPTURE(second);
    const ExactResult r = mixture(second);
    CHECK(r.log_integral == doctest::Approx(0).epsilon(1e-9));
    CHECK(find(r, "m").mean == doctest::Approx(0.3 * -2 + 0.7 * at).epsilon(1e-9));
  }
  const ExactResult two = exact(
      "parameters { real m; real<lower=0> s; } model { s ~ exponential(1);"
      "target += log_mix(0.3, normal_lpdf(m | -2, 0.1), normal_lpdf(m | 6, 0.02)); }");
  CHECK(two.log_integral == doctest::Approx(0).epsilon(1e-9));
}

TEST_CASE("a run's draws lead to a mode that no start reaches, and those outside of the region are counted") {
  // Farther than starts and scans reach.
  Model model = load_text(
      "parameters { real m; real<lower=0> s; } model { s ~ exponential(1);"
      "target += log_mix(0.3, normal_lpdf(m | 0, 1), normal_lpdf(m | 3000, 1)); }");
  const Marginal marginal = marginalize(model.graph, {.marginalize = "none"});
  QuietRun run;
  const ExactResult without = integrate(model, marginal, {}, run);
  CHECK(without.log_integral == doctest::Approx(std::log(0.3)).epsilon(1e-9));
  CHECK(without.draws_outside == 0);
  const std::vector<std::vector<double>> draws = {{0.3, 0.1}, {2999, -0.5}, {3001, 0.2}, {-1, 0}, {700, 0}};
  const ExactResult with = integrate(model, marginal, {}, run, draws);
  CHECK(with.log_integral == doctest::Approx(0).epsilon(1e-9));
  CHECK(with.draws_outside == 1);
  // Unconstrained, from a run's columns; s = exp(q), and a draw on the bound is passed over.
  const std::vector<double> chain = {0.3, 1, 700, std::exp(0.5), 5, 0};
  const ChainDraws columns{.names = {"m", "s"}, .chains = {chain}};
  const auto free = free_draws(model, marginal, columns, 10);
  REQUIRE(free.size() == 2);
  CHECK(free[1][0] == 700);
  CHECK(free[1][1] == doctest::Approx(0.5));
}

TEST_CASE("a mode far from where the search starts: a shift of the data shifts the posterior") {
  const auto at = [](const std::string& location) {
    return exact(
        "data { vector[5] y; } parameters { real m; real<lower=0> s; }\n"
        "model { m ~ student_t(3, " +
            location + ", 85); s ~ student_t(3, 0, 85); y + " + location + " ~ normal(m, s); }",
        R"({"y": [-40, 12, 55, -8, 90]})");
  };
  const ExactResult near = at("0"), far = at("1530");
  CHECK(std::fabs(find(far, "m").mean - 1530 - find(near, "m").mean) < 1e-8);
  for (const char* name : {"m", "s"}) CHECK(std::fabs(find(far, name).sd / find(near, name).sd - 1) < 1e-8);
  CHECK(std::fabs(*far.log_evidence - *near.log_evidence) < 1e-8);
}

TEST_CASE("transformed parameters of kept ones have values, those of eliminated ones are named") {
  const ExactResult r = exact(
      "parameters { real<lower=0> s; real z; } transformed parameters { real v = s^2; real w = z + s; } model { s ~ gamma(4, 2); "
      "z ~ normal(0, s); }");
  CHECK(find(r, "v").mean == doctest::Approx(5).epsilon(1e-9));
  CHECK(find(r, "v").q50 == doctest::Approx(std::pow(find(r, "s").q50, 2)).epsilon(1e-12));
  CHECK(find(r, "z").sd == doctest::Approx(std::sqrt(5)).epsilon(1e-9));
  CHECK(r.left_out == std::vector<std::string>{"w"});
}

TEST_CASE("the mass of bounded priors") {
  const auto with_prior = [](const std::string& declaration, const std::string& prior) {
    return log_mass("parameters { real<lower=0> s; " + declaration + " } model { s ~ gamma(2, 1); " + prior +
                    " 1 ~ normal(0, s); }");
  };
  CHECK(*with_prior("real<lower=0> t;", "t ~ cauchy(0, 5);") == doctest::Approx(std::log(0.5)));
  CHECK(*with_prior("real<lower=0> t;", "t ~ normal(2, 2);") == doctest::Approx(std::log(0.8413447460685429)));
  CHECK(*with_prior("real<lower=-1, upper=1> t;", "t ~ normal(0, 1);") == doctest::Approx(std::log(0.6826894921370859)));
  CHECK(*with_prior("real<lower=3> t;", "t ~ exponential(2);") == doctest::Approx(-6));
  CHECK(*with_prior("vector<lower=0>[3] t;", "t ~ std_normal();") == doctest::Approx(3 * std::log(0.5)));
  CHECK(*with_prior("real<lower=0> t;", "t ~ gamma(2, s);") == doctest::Approx(0));         // all of it, whatever s is
  CHECK_FALSE(with_prior("real<lower=0> t;", "t ~ normal(s, 1);"));                          // s decides
  CHECK(*with_prior("real<lower=0, upper=4> t;", "") == doctest::Approx(std::log(4.0)));     // no prior: the length
  CHECK(*with_prior("simplex[4] t;", "") == doctest::Approx(-std::log(6.0)));                // 1 / Gamma(4)
  CHECK(*with_prior("real<lower=0> t;", "t ~ normal(0, 1) T[0, ];") == doctest::Approx(0));  // renormalised by the program
  CHECK_FALSE(with_prior("real<lower=0> t;", "target += -t;"));                              // a prior that is no density
  CHECK_FALSE(with_prior("real t;", "1 ~ normal(t, s);"));
  CHECK(prior_mass(load_text("parameters { real t; } model { 1 ~ normal(t, 2); }")).flat);
  CHECK_FALSE(prior_mass(load_text("parameters { real<lower=0, upper=1> t; } model { 1 ~ normal(t, 2); }")).flat);
}

TEST_CASE("flat priors leave no evidence, but moments") {
  const ExactResult r = exact("parameters { real mu; } model { 1 ~ normal(mu, 1); 2 ~ normal(mu, 1); 6 ~ normal(mu, 1); }");
  CHECK_FALSE(r.log_evidence);
  CHECK_FALSE(r.log_evidence_normalised);
  CHECK(r.log_integral == doctest::Approx(-9.3871832107434).epsilon(1e-12));
  CHECK(find(r, "mu").mean == doctest::Approx(3).epsilon(1e-12));
}

TEST_CASE("what the grid cannot do is refused with what would do") {
  CHECK(refusal("parameters { vector<lower=0>[3] s; real<lower=0> t; } model { s ~ weibull(2, 1); t ~ weibull(2, 1); }") ==
        "4 dimensions are sampled, quadrature takes at most 3: s (3), t (1); `sample` takes them");
  CHECK(refusal("parameters { real x; } model { x ~ cauchy(0, 1); }", {.max_points = 100'000}).find("not converged to 1e-09") ==
        0);
  CHECK(
      refusal("parameters { vector<lower=0>[2] x; } model { x ~ weibull(2, 1); }", {.max_points = 5'000}).find("not converged") !=
      std::string::npos);
  CHECK(refusal("parameters { real x; } model { target += x; }").find("improper") != std::string::npos);
}

TEST_CASE("a density that ends in a step is refused as that; an improper one without coordinates has none in its message") {
  const std::string step =
      refusal("parameters { real x; } transformed parameters { real<lower=0> y = x; } model { x ~ normal(0, 1); }");
  CHECK(step.starts_with("the density ends in a step near unconstrained ("));
  CHECK(step.find("heavy tails") == std::string::npos);
  const std::string improper =
      refusal("parameters { simplex[3] t; } model { t ~ dirichlet([1, 1, 1]'); target += -1.5 * log(t[1]); }");
  CHECK(improper.find("improper") != std::string::npos);
  CHECK(improper.find("()") == std::string::npos);
}

TEST_CASE("the answer does not depend on the threads") {
  const std::filesystem::path root = TENFOLD_SOURCE_DIR;
  const std::string base = (root / "sample_data/hmc-marg/dyestuff").string(), program = read_file(base + ".stan"),
                    data = read_file(base + ".json");
  const ExactResult one = exact(program, data, {}, {}, 1), three = exact(program, data, {}, {}, 3);
  CHECK(one.log_integral == three.log_integral);
  for (std::size_t i = 0; i < one.quantities.size(); ++i) {
    CHECK(one.quantities[i].mean == three.quantities[i].mean);
    CHECK(one.quantities[i].sd == three.quantities[i].sd);
    CHECK(one.quantities[i].q95 == three.quantities[i].q95);
  }
}
