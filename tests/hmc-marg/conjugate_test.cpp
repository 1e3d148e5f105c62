// Conjugate families: marginals by hand, reverse rules, the identity with the joint density, what is refused and why.
#include "hmc-marg/conjugate.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/certificate.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/gamma_ratio_factor.h"
#include "hmc-marg/marginal_support.h"
#include "hmc-marg/recover.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

MarginalModel family_model(const std::string& program, const std::string& data = "{}", const PlanOptions& options = largest()) {
  return marginal_of(program, data, options);
}

std::string rules(const MarginalModel& m) {
  std::string out;
  for (const PlanEntry& e : m.marginal.plan) out += e.name + (e.eliminated ? ":" + e.rule : ":kept") + " ";
  return out;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("marginals by hand") {
  const auto value = [](const std::string& program) {
    const MarginalModel m = family_model(program);
    CAPTURE(rules(m));
    REQUIRE(m.marginal.eliminated.size() == 1);
    REQUIRE(m.marginal.kept.empty());
    return m({});
  };
  const auto close = [](double x, double y) { return std::fabs(x - y) < 1e-14 * std::max(1.0, std::fabs(y)); };
  CHECK(
      close(value("parameters { real<lower=0, upper=1> x; } model { x ~ beta(2, 3); 2 ~ binomial(5, x); }"), std::log(5.0 / 21)));
  CHECK(close(value("parameters { real<lower=0> x; } model { x ~ gamma(2, 3); 1 ~ poisson(x); }"), std::log(9.0 / 32)));
  CHECK(close(value("parameters { real<lower=0> x; } model { x ~ gamma(2, 3); 3 ~ exponential(x); }"), std::log(1.0 / 12)));
  CHECK(close(value("parameters { simplex[3] x; } model { x ~ dirichlet([1, 1, 1]'); 1 ~ categorical(x); 1 ~ categorical(x); 2 ~ "
                    "categorical(x); }"),
              std::log(1.0 / 30)));
  CHECK(close(value("parameters { real<lower=0> x; } model { x ~ inv_gamma(1.5, 2); 1 ~ normal(0, sqrt(x)); }"),
              -1.5910169884778196));
  // Without a prior: the density as written, not renormalised. A simplex: the integral of x_1^2 x_2 over the simplex is 2 / 120.
  CHECK(close(value("parameters { simplex[3] x; } model { array[3] int y = {1, 1, 2}; y ~ categorical(x); }"),
              std::log(2.0 / 120)));
  CHECK(close(value("parameters { real<lower=0, upper=1> x; } model { 2 ~ binomial(5, x); }"), std::log(10.0 / 60)));
  CHECK(close(value("parameters { real<lower=0> x; } model { 2 ~ poisson(3 * x); }"), std::log(1.0 / 3)));
  // int x^(-3/2) exp(-3 / (2 x)) (2 pi)^(-3/2) dx = Gamma(1/2) (3/2)^(-1/2) (2 pi)^(-3/2)
  CHECK(close(
      value("parameters { real<lower=0> x; } model { 1 ~ normal(0, sqrt(x)); 1 ~ normal(0, sqrt(x)); 1 ~ normal(0, sqrt(x)); }"),
      std::lgamma(0.5) - 0.5 * std::log(1.5) - 1.5 * std::log(2 * M_PI)));
}

TEST_CASE("HPP at any scale: m and kappa are kept, the values are those of beta-binomials") {
  const std::filesystem::path folder = std::filesystem::path(TENFOLD_SOURCE_DIR) / "sample_data" / "hmc-marg";
  const std::string program = tenfold::read_file(folder / "hpp.stan");
  const auto value = [&](const char* file, double p, double kappa, bool difference) {
    const MarginalModel m = family_model(program, tenfold::read_file(folder / file));
    CHECK(rules(m) == "m:kept kappa:kept phi:beta ");
    REQUIRE(m.engine->dimension() == 2);
    PlanOptions none;
    none.marginalize = "none";
    // The kept part and the binomial coefficients, which the reference values leave out.
    const MarginalModel prior = family_model(
        "parameters { real<lower=0, upper=1> m; real<lower=1> kappa; } model { kappa ~ pareto(1, 1.5); }", "{}", none);
    double choose = 0;
    const std::vector<double> q = {std::log(p / (1 - p)), std::log(kappa - 1)};
    if (difference) CHECK(gradient_error(m, q) < 1e-6);
    const tenfold::data::JsonValue data = tenfold::data::read_json(folder / file);
    const auto &y = data.find("y")->array(), &n = data.find("K")->array();
    for (std::size_t i = 0; i < y.size(); ++i)
      choose += std::lgamma(n[i].number + 1) - std::lgamma(y[i].number + 1) - std::lgamma(n[i].number - y[i].number + 1);
    return m(q) - prior(q) - choose;
  };
  CHECK(std::fabs(value("rats71.json", 0.15, 15, true) / -730.5233104886363 - 1) < 1e-11);
  CHECK(std::fabs(value("baseball18.json", 0.265, 1e2, true) / -469.11311849238334 - 1) < 1e-11);
  CHECK(std::fabs(value("baseball18.json", 0.265, 1e9, false) / -468.71691633370307 - 1) < 1e-11);
  CHECK(std::fabs(value("baseball18.json", 0.265, 1e17, false) / -468.71691635685541 - 1) < 1e-11);
}

namespace {

struct Case {
  const char* rules;
  const char* program;
};

const char* const kData =
    R"({"N": 6, "G": 3, "g": [1, 1, 2, 2, 3, 3], "y": [0, 3, 1, 7, 2, 40], "K": [4, 9, 5, 9, 2, 60], "x": [0.4, 1.2, 2.1, 0.3, 0.9, 5.5],
 "b": [0, 1, 1, 0, 1, 1], "c": [1, 2, 3, 3, 1, 2], "e": [0.5, 2.0, 1.0, 1.5, 1.0, 3.0]})";
const std::string kDeclare =
    "data { int N; int G; array[N] int g; array[N] int y; array[N] int K; vector[N] x; array[N] int b; array[N] int c; vector[N] "
    "e; }\n";

const Case kCases[] = {
    {"a:kept r:kept l:gamma ",
     "parameters { real<lower=0> a; real<lower=0> r; vector<lower=0>[G] l; } model { a ~ gamma(2, 1); r ~ gamma(2, a); l ~ "
     "gamma(a, r); y ~ poisson(e .* l[g]); }"},
    {"a:kept l:gamma ",
     "parameters { real<lower=0> a; vector<lower=0>[G] l; } model { a ~ lognormal(0, 1); l ~ exponential(a); for (n in 1:N) y[n] "
     "~ poisson(l[g[n]] * a * 2); }"},
    {"m:kept s:kept t:gamma ",
     "parameters { real m; real<lower=0> s; array[G] real<lower=0> t; } model { m ~ cauchy(0, 1); s ~ lognormal(0, 1); t ~ "
     "gamma(s, 2); x ~ normal(m, s ./ sqrt(to_vector(t)[g])); }"},
    {"m:kept s:kept t:gamma ",
     "parameters { real m; real<lower=0> s; vector<lower=0>[G] t; } model { m ~ cauchy(0, 1); s ~ lognormal(0, 1); t ~ "
     "chi_square(s); for (n in 1:N) x[n] ~ normal(m * e[n], pow(t[g[n]], -0.5)); }"},
    {"m:kept v:inv_gamma ",
     "parameters { real m; vector<lower=0>[G] v; } model { m ~ cauchy(0, 1); v ~ scaled_inv_chi_square(3, exp(m)); x ~ normal(m, "
     "sqrt(2 * v[g])); }"},
    {"m:kept v:inv_gamma ",
     "parameters { real m; vector<lower=0>[G] v; } model { m ~ logistic(0, 1); v ~ inv_chi_square(exp(m)); x ~ normal(m, 3 * "
     "v[g].^0.5); y ~ poisson(exp(m)); }"},
    {"s:kept l:gamma ",
     "parameters { real<lower=0> s; vector<lower=0>[G] l; } model { s ~ lognormal(0, 1); l ~ gamma(2, s); x ~ gamma(s, 3 * "
     "l[g]); e ~ exponential(l[g] * s); }"},
    {"s:kept l:inv_gamma ",
     "parameters { real<lower=0> s; vector<lower=0>[G] l; } model { s ~ lognormal(0, 1); l ~ inv_gamma(2, s); x ~ gamma(s, 3 ./ "
     "l[g]); e ~ exponential(s * inv(l[g])); }"},
    {"s:kept l:gamma ",
     "parameters { real<lower=0> s; real<lower=0> l; } model { s ~ lognormal(0, 1); l ~ gamma(s, 1.5); x ~ pareto(0.25, l); x ~ "
     "pareto(0.3 / (1 + s), l); }"},
    {"a:kept p:beta ",
     "parameters { real<lower=0> a; vector<lower=0, upper=1>[N] p; } model { a ~ lognormal(0, 1); p ~ beta(a, 2 * a); b ~ "
     "bernoulli(p); y ~ binomial(K, 1 - p); }"},
    {"a:kept p:beta ",
     "parameters { real<lower=0> a; vector<lower=0, upper=1>[N] p; } model { a ~ lognormal(0, 1); for (n in 1:N) { p[n] ~ beta(a "
     "* n, e[n]); y[n] ~ binomial(K[n], p[n]); } }"},
    {"a:kept p:beta ",
     "parameters { real<lower=0> a; real<lower=0, upper=1> p; } model { a ~ lognormal(0, 1); p ~ uniform(0, 1); b ~ "
     "bernoulli(p); x ~ exponential(a); }"},
    {"a:kept p:dirichlet ",
     "parameters { real<lower=0> a; array[G] simplex[3] p; } model { a ~ lognormal(0, 1); for (i in 1:G) p[i] ~ dirichlet([a, 2, "
     "a + 1]'); for (n in 1:N) c[n] ~ categorical(p[g[n]]); }"},
    {"a:kept p:dirichlet ",
     "parameters { real<lower=0> a; simplex[3] p; } model { a ~ lognormal(0, 1); p ~ dirichlet(rep_vector(a, 3)); y[1:3] ~ "
     "multinomial(p); c ~ categorical(p); }"},
    {"a:kept p:dirichlet ",
     "parameters { real<lower=0> a; simplex[3] p; } model { a ~ lognormal(0, 1); c ~ categorical(p); target += a * log(p[2]); }"},
    {"mu:gaussian s:kept th:gaussian v:kept p:beta ",
     "parameters { real mu; real<lower=0> s; vector[G] th; real<lower=0> v; vector<lower=0, upper=1>[G] p; } model { mu ~ "
     "normal(0, 2); s ~ lognormal(0, 1); th ~ normal(mu, s); x ~ normal(th[g], s); v ~ cauchy(0, 1); p ~ beta(1, v); b ~ "
     "bernoulli(p[g]); }"},
    {"l:kept w:gamma ",
     "parameters { real<lower=0> l; vector<lower=0>[G] w; } model { l ~ cauchy(0, 1); w ~ gamma(2, l); y ~ poisson(w[g]); } "
     "generated quantities { real q = w[1]; }"},
};

}  // namespace

TEST_CASE(
    "each rule: what is eliminated, the certificate, gradients against central differences, lowering against the interpreter") {
  for (const Case& c : kCases) {
    CAPTURE(c.program);
    const MarginalModel m = family_model(kDeclare + c.program, kData);
    CHECK(rules(m) == c.rules);
    const CertificateResult result = certify(m.model->graph, m.marginal, 3);
    CAPTURE(result.worst);
    CHECK(result.ok);
    CHECK(result.points >= 16);
    CHECK(result.max_rel_error < 1e-10);
    for (int at = 0; at < 3; ++at) {
      std::vector<double> q = point(at, m.engine->dimension()), gradient(q.size()), plain(q.size());
      for (double& x : q) x += 0.1;
      CHECK(gradient_error(m, q, 1e-4) < 1e-7);
      const double value = m(q, gradient);
      // The generic interpreter runs factors with their own rule; its surroundings are other code.
      CHECK(reference_log_density(m.model->graph.graph, m.marginal.target, q, plain) == doctest::Approx(value).epsilon(1e-12));
      for (std::size_t i = 0; i < q.size(); ++i) CHECK(plain[i] == doctest::Approx(gradient[i]).epsilon(1e-10));
    }
  }
}

TEST_CASE("recovered draws have the conditional's moments") {
  for (const Case& c : kCases) {
    CAPTURE(c.program);
    const MarginalModel m = family_model(kDeclare + c.program, kData);
    Recovery recovery(m.model->graph, m.marginal);
    std::vector<double> kept(recovery.kept_size(), 2.5);
    REQUIRE(recovery.condition(kept));
    const std::size_t n = recovery.eliminated_size();
    std::vector<double> z(n), mean(n), variance(n), kurtosis(n), sum(n, 0), square(n, 0);
    recovery.mean(mean);
    recovery.variance(variance);
    recovery.excess_kurtosis(kurtosis);
    const int draws = 20000;
    for (int k = 0; k < draws; ++k) {
      tenfold::PhiloxStream random(8, "recover", 0, static_cast<std::uint32_t>(k));
      recovery.draw(random, z);
      for (std::size_t i = 0; i < n; ++i) {
        sum[i] += z[i] - mean[i];
        square[i] += (z[i] - mean[i]) * (z[i] - mean[i]);
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      CAPTURE(i);
      if (!std::isfinite(variance[i])) continue;
      CHECK(std::fabs(sum[i] / draws) < 5 * std::sqrt(variance[i] / draws));
      if (kurtosis[i] < 12) CHECK(std::fabs(square[i] / draws / variance[i] - 1) < 5 * std::sqrt((2 + kurtosis[i]) / draws));
    }
  }
}

TEST_CASE("Gamma-Poisson by hand: conditional mean and variance") {
  const MarginalModel m = family_model(
      "parameters { real<lower=0> b; vector<lower=0>[2] x; } model { b ~ lognormal(0, 1); x ~ gamma(2, b); 3 ~ poisson(x[1]); 4 "
      "~ poisson(2 * x[1]); }");
  Recovery recovery(m.model->graph, m.marginal);
  const double b = 1.5;
  REQUIRE(recovery.condition({&b, 1}));
  double mean[2], variance[2];
  recovery.mean(mean);
  recovery.variance(variance);
  CHECK(mean[0] == doctest::Approx(9 / 4.5).epsilon(1e-15));
  CHECK(mean[1] == doctest::Approx(2 / 1.5).epsilon(1e-15));
  CHECK(variance[0] == doctest::Approx(9 / (4.5 * 4.5)).epsilon(1e-15));
  CHECK(recovery.covariance(0, 1) == 0);
}

TEST_CASE("planted errors of 1e-4 in the conditional or the marginal break the certificate") {
  for (const Case& c : kCases) {
    CAPTURE(c.program);
    for (int plant = 0; plant < 3; ++plant) {
      MarginalModel m = family_model(kDeclare + c.program, kData);
      Recovery recovery(m.model->graph, m.marginal);
      TargetSpec joint = joint_target(m.model->graph), kept;
      joint.inputs = kept.inputs = m.marginal.target.inputs;
      for (const int p : m.marginal.eliminated) {
        const Parameter& parameter = m.model->graph.parameters[static_cast<std::size_t>(p)];
        joint.inputs.insert(joint.inputs.end(), parameter.value.slot.begin(), parameter.value.slot.end());
        for (const Slot slot : parameter.log_jacobian)
          joint.terms.erase(std::find_if(joint.terms.begin(), joint.terms.end(),
                                         [&](const Term& t) { return t.slot == slot && t.coefficient == 1; }));
      }
      for (const int p : m.marginal.kept) {
        const Value& value = m.model->graph.parameters[static_cast<std::size_t>(p)].value;
        kept.outputs.insert(kept.outputs.end(), value.slot.begin(), value.slot.end());
      }
      Engine constrain(lower(m.model->graph.graph, kept));
      if (plant == 2) {
        m.marginal.target.constant += 1e-4;
        m.engine = std::make_unique<Engine>(lower(m.model->graph.graph, m.marginal.target));
      }
      CertificateParts parts;
      parts.kept_free = static_cast<int>(m.marginal.target.inputs.size());
      parts.eliminated = static_cast<int>(recovery.eliminated_size());
      parts.joint = [&](std::span<const double> q, std::span<const double> z, double& magnitude) {
        std::vector<double> both(q.begin(), q.end());
        both.insert(both.end(), z.begin(), z.end());
        magnitude = 1;
        return reference_log_density(m.model->graph.graph, joint, both, {});
      };
      parts.marginal = [&](std::span<const double> q) { return m.engine->log_density(q); };
      parts.condition = [&](std::span<const double> q) {
        std::vector<double> constrained(kept.outputs.size());
        constrain.outputs(q, constrained);
        if (!recovery.condition(constrained)) return false;
        if (plant == 1) recovery.numbers().family[0] *= 1 + 1e-4;
        return true;
      };
      parts.draw = [&](tenfold::PhiloxStream& random, std::span<double> z) { recovery.draw(random, z); };
      parts.draw_wide = [&](tenfold::PhiloxStream& random, std::span<double> z) { recovery.draw_independent(random, 3, z); };
      parts.log_conditional = [&](std::span<const double> z) { return recovery.log_conditional(z); };
      const CertificateResult result = certify(parts, 3);
      CAPTURE(plant);
      CAPTURE(result.worst);
      CHECK(result.ok == (plant == 0));
    }
  }
}

TEST_CASE("loops or vectors, statements or increments, locals or transformed parameters: the same marginal") {
  const std::string parameters =
      "parameters { real<lower=0> a; real<lower=0> r; vector<lower=0>[G] l; vector<lower=0, upper=1>[G] p; }\n";
  const std::string variants[] = {
      "model { a ~ lognormal(0, 1); r ~ lognormal(0, 1); l ~ gamma(a, r); y ~ poisson(e .* l[g]); p ~ beta(a, r); y ~ "
      "binomial(K, p[g]); }",
      "model { a ~ lognormal(0, 1); r ~ lognormal(0, 1); for (i in 1:G) { l[i] ~ gamma(a, r); p[i] ~ beta(a, r); } for (n in "
      "1:N) { y[n] ~ poisson(e[n] * l[g[n]]); y[n] ~ binomial(K[n], p[g[n]]); } }",
      "model { target += lognormal_lpdf(a | 0, 1) + lognormal_lpdf(r | 0, 1); target += gamma_lpdf(l | a, r); target += "
      "beta_lpdf(p | a, r); { vector[N] rate = l[g] .* e; target += poisson_lpmf(y | rate); } vector[N] ll; "
      "for (n in 1:N) ll[n] = binomial_lpmf(y[n] | K[n], p[g[n]]); target += sum(ll); }",
      "transformed parameters { vector<lower=0>[N] rate = e .* l[g]; vector[N] prob = p[g]; } model { a ~ lognormal(0, 1); r ~ "
      "lognormal(0, 1); l ~ gamma(a, r); y ~ poisson(rate); p ~ beta(a, r); y ~ binomial(K, prob); }",
  };
  std::vector<double> first;
  for (const std::string& variant : variants) {
    CAPTURE(variant);
    const MarginalModel m = family_model(kDeclare + parameters + variant, kData);
    CHECK(rules(m) == "a:kept r:kept l:gamma p:beta ");
    std::vector<double> values;
    for (int at = 0; at < 3; ++at) {
      std::vector<double> gradient;
      values.push_back(m(point(at, 2), gradient));
      values.insert(values.end(), gradient.begin(), gradient.end());
    }
    if (first.empty()) first = values;
    for (std::size_t i = 0; i < values.size(); ++i)
      CHECK(std::fabs(values[i] - first[i]) < 1e-12 * std::max(1.0, std::fabs(first[i])));
  }
}

TEST_CASE("what is refused, with the reason and the line") {
  const auto expect = [](const std::string& parameters, const std::string& body, const char* reason, int line,
                         const char* words) {
    const std::string program =
        kDeclare + "parameters { real<lower=0> k; real v;\n " + parameters + "\n}\nmodel {\n" + body + "\n}";
    CAPTURE(program);
    const MarginalModel m = family_model(program, kData);
    const PlanEntry& e = entry(m, "x0");
    CHECK_FALSE(e.eliminated);
    CHECK(e.reason == reason);
    CAPTURE(e.detail);
    CHECK(contains(e.detail, words));
    REQUIRE(!e.lines.empty());
    CHECK(e.lines[0] == line);
  };
  expect("real<lower=0> x0;", "x0 ~ gamma(2, 1);\n x ~ normal(0, x0);", "family", 7, "form");
  expect("real<lower=0> x0;", "x0 ~ gamma(2, 1);\n x ~ normal(0, sqrt(x0));", "family", 7, "InvGamma");
  expect("real<lower=0> x0;", "x0 ~ gamma(2, 1);\n y ~ poisson(x0 + 1);", "family", 7, "form");
  expect("real<lower=0> x0;", "x0 ~ gamma(2, 1);\n y ~ poisson(x0 * v);", "family", 7, "provably positive");
  expect("real<lower=0> x0;", "x0 ~ gamma(2, 1);\n x0 ~ gamma(3, 1);\n y ~ poisson(x0);", "family", 7, "second prior");
  expect("real<lower=0> x0;", "x0 ~ gamma(2, 1);\n target += -log(x0);\n y ~ poisson(x0);", "leftover_target", 7, "other than");
  expect("real<lower=0> x0;", "x0 ~ cauchy(0, 1);\n x ~ normal(0, x0);", "bounds", 3, "bounds");
  expect("real<lower=0> x0;", "y ~ poisson(x0);\n x0 ~ lognormal(0, 1);", "family", 7, "lognormal");
  expect("real<lower=0.5> x0;", "x0 ~ gamma(2, 1);\n y ~ poisson(x0);", "bounds", 3, "bounds");
  expect("vector<lower=0, upper=1>[2] x0;", "x0 ~ beta(2, 1);\n b ~ bernoulli(x0[1] * x0[2]);", "family", 7, "form");
  expect("real<lower=0, upper=1> x0;", "x0 ~ beta(2, 1);\n b ~ bernoulli(0.5 * x0);", "family", 7, "form");
  expect("vector<lower=0>[2] x0;", "x0[1] ~ gamma(2, 1);\n x0[2] ~ gamma(2, x0[1]);", "family", 7, "twice");
  expect("vector<lower=0>[2] x0;", "y ~ poisson(x0[1]);\n", "family", 3, "improper");
  expect("simplex[3] x0;", "x0 ~ dirichlet([1, 1, 1]');\n target += log_sum_exp(log(x0[1]), log(x0[2]));", "leftover_target", 7,
         "logarithms");
  expect("simplex[3] x0;", "x0 ~ dirichlet([1, 1, 1]');\n b ~ bernoulli(x0[1]);", "family", 7, "bernoulli");
}

TEST_CASE("a family parameter and a member of the block in one factor are not eliminated together") {
  const std::string program = kDeclare +
                              "parameters { vector[G] th; real<lower=0> v; } model { th ~ normal(0, 2);\n v ~ inv_gamma(2, 3);\n "
                              "x ~ normal(th[g], sqrt(v)); }";
  const MarginalModel m = family_model(program, kData);
  CHECK(rules(m) == "th:gaussian v:kept ");
  CHECK(entry(m, "v").reason == "conflict");
  CHECK(entry(m, "v").lines == std::vector<int>{4});
  PlanOptions other;
  other.marginalize = "v";
  const MarginalModel only = family_model(program, kData, other);
  CHECK(rules(only) == "th:kept v:inv_gamma ");
  CHECK(certify(only.model->graph, only.marginal, 3).ok);
  other.marginalize = "v,th";
  CHECK_THROWS_AS(family_model(program, kData, other), tenfold::Error);
  // Two families in one factor: the larger plate goes.
  const MarginalModel two = family_model(
      kDeclare +
          "parameters { real<lower=0> r; vector<lower=0>[G] l; } model { r ~ gamma(1, 1); l ~ gamma(2, r); y ~ poisson(l[g]); }",
      kData);
  CHECK(rules(two) == "r:kept l:gamma ");
}

TEST_CASE("gamma ratios: histogram or differences, the same numbers") {
  tenfold::hmc_marg::Graph graph;
  const Slot a = graph.parameters(1), b = graph.parameters(1);
  const auto evaluate = [&](const std::vector<GammaRatio>& terms, double x, double& slope, std::size_t& bins) {
    const GammaRatioFactor factor(terms);
    bins = factor.histogram_bins();
    std::vector<double> values = {x, 3.25}, adjoints = {0, 0};
    std::vector<std::uint32_t> places;
    for (const Slot slot : factor.inputs()) places.push_back(slot == a ? 0 : 1);
    const double value = factor.bound(places)->evaluate(values.data(), adjoints.data(), nullptr);
    slope = adjoints[0];
    return value;
  };
  for (const double x : {1e-9, 0.3, 7.0, 2e5, 1e17, 1e80}) {
    CAPTURE(x);
    std::vector<GammaRatio> shared;
    double value = 0, slope = 0;
    for (int i = 0; i < 200; ++i) {
      const double y = (i * 37) % 50;
      shared.push_back({{0, a}, {y, 0}, i % 3 == 0 ? -1.0 : 2.0});
      value += (i % 3 == 0 ? -1.0 : 2.0) * lgamma_diff(x, y);
      slope += (i % 3 == 0 ? -1.0 : 2.0) * digamma_diff(x, y);
    }
    double found_slope = 0;
    std::size_t bins = 0;
    CHECK(evaluate(shared, x, found_slope, bins) == doctest::Approx(value).epsilon(1e-12));
    CHECK(found_slope == doctest::Approx(slope).epsilon(1e-11));
    CHECK(bins == 128);  // positive and negative weights apart
    // One large count alone is cheaper as a difference.
    CHECK(evaluate({{{0, a}, {900, 0}, 1}}, x, found_slope, bins) == doctest::Approx(lgamma_diff(x, 900)).epsilon(1e-14));
    CHECK(bins == 0);
    CHECK(evaluate({{{0, a}, {0, b}, 1}}, x, found_slope, bins) == doctest::Approx(lgamma_diff(x, 3.25)).epsilon(1e-14));
  }
  double slope = 0;
  std::size_t bins = 0;
  CHECK(std::isnan(evaluate({{{0, a}, {3, 0}, 1}}, -1.0, slope, bins)));
}
