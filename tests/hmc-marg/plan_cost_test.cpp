// Plans that the predicted cost chooses: on programs of the test data, and that they depend on structure alone.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "hmc-marg/corpus_support.h"
#include "hmc-marg/marginal_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

std::string sampled_names(const Marginal& marginal) {
  std::string names;
  for (const PlanEntry& e : marginal.plan)
    if (!e.eliminated) names += e.name + " ";
  return names;
}

PlanOptions automatic() {
  PlanOptions options;
  options.marginalize = "auto";
  return options;
}

}  // namespace

TEST_CASE("plans on the corpus") {
  const Corpus corpus;
  if (corpus.folder.empty()) return;
  const auto plan = [&](const std::string& name) { return marginalize(corpus.bind(name)->graph, automatic()); };
  // The plans that are fastest in ESS per CPU second, too, where these were measured.
  CHECK(sampled_names(plan("radon_county")) == "sigma_a sigma_y ");
  CHECK(sampled_names(plan("radon_county_intercept")) == "beta sigma_y ");
  CHECK(sampled_names(plan("radon_partially_pooled_centered")) == "sigma_alpha sigma_y ");
  CHECK(sampled_names(plan("radon_variable_intercept_centered")) == "beta sigma_alpha sigma_y ");
  CHECK(sampled_names(plan("radon_pooled")) == "sigma_y ");
  CHECK(sampled_names(plan("eight_schools_centered")) == "tau ");
  CHECK(sampled_names(plan("eight_schools_noncentered")) == "tau ");
  for (const char* name : {"nes_logit_model", "GLM_Poisson_model", "GLM_Binomial_model"}) {
    CAPTURE(name);
    const Marginal marginal = plan(name);
    for (const PlanEntry& e : marginal.plan) CHECK(!e.eliminated);
  }
  CHECK(plan("nes_logit_model").plan[1].reason == "family");
}

TEST_CASE("plans of the paper's programs") {
  const std::filesystem::path samples = std::filesystem::path(TENFOLD_SOURCE_DIR) / "sample_data" / "hmc-marg";
  const auto hpp = bind_files(samples / "hpp.stan", samples / "rats71.json");
  CHECK(sampled_names(marginalize(hpp->graph, automatic())) == "m kappa ");
  const std::filesystem::path company = test_data("electric_company.json"), clinic = test_data("pulmonary_fibrosis.json");
  if (company.empty() || clinic.empty()) return;
  const MarginalModel electric = marginal_of(
      "data { array[192] int pair; array[192] int grade; array[96] int grade_pair; vector[192] treatment; vector[192] y; }\n"
      "parameters { vector[4] mua; vector[96] a; vector[4] b; vector[4] sigmay; }\n"
      "model { mua ~ normal(0, 1); a ~ normal(100 * mua[grade_pair], 1); b ~ normal(0, 100); sigmay ~ normal(0, 1);\n"
      "y ~ normal(a[pair] + b[grade] .* treatment, exp(sigmay[grade])); }",
      tenfold::read_file(company), automatic());
  CHECK(sampled_names(electric.marginal).find("sigmay") != std::string::npos);
  CHECK(entry(electric, "sigmay").reason == "scale_of");
  CHECK(entry(electric, "a").eliminated);
  CHECK(electric.marginal.target.inputs.size() <= 8);
  const MarginalModel fibrosis = marginal_of(
      "data { int N; int J; array[N] int patient; vector[N] week; vector[N] fvc; }\n"
      "parameters { real m_a; real<lower=0> s_a; real m_b; real<lower=0> s_b; vector[J] a; vector[J] b; real<lower=0> s; }\n"
      "model { m_a ~ normal(0, 500); m_b ~ normal(0, 3); s_a ~ cauchy(0, 100); s_b ~ cauchy(0, 3); s ~ cauchy(0, 100); a ~ "
      "normal(m_a, s_a); b ~ normal(m_b, s_b);\n"
      "for (i in 1:N) fvc[i] ~ normal(a[patient[i]] + b[patient[i]] * week[i], s); }",
      tenfold::read_file(clinic), automatic());
  CHECK(entry(fibrosis, "a").eliminated);
  CHECK(entry(fibrosis, "b").eliminated);
  for (const char* scale : {"s_a", "s_b", "s"}) CHECK(!entry(fibrosis, scale).eliminated);
}

TEST_CASE("of sets considered the cheapest is taken, and stands first") {
  const MarginalModel m =
      marginal_of(schools_program("real mu; real<lower=0> tau; vector[J] theta;",
                                  "mu ~ normal(0, 5); tau ~ cauchy(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma);"),
                  kSchoolsData, automatic());
  REQUIRE(m.marginal.alternatives.size() == 4);  // subsets of {mu, theta}
  CHECK(m.marginal.alternatives[0].eliminated == m.marginal.eliminated);
  CHECK(m.marginal.alternatives[0].cost.ns == m.marginal.cost.ns);
  for (std::size_t i = 1; i < 4; ++i)
    CHECK(m.marginal.alternatives[i - 1].cost.weighted() <= m.marginal.alternatives[i].cost.weighted());
  // theta sampled as declared is a funnel: its prior's scale is sampled.
  for (const PlanAlternative& a : m.marginal.alternatives)
    CHECK(a.cost.funnel == (std::find(a.eliminated.begin(), a.eliminated.end(), 2) == a.eliminated.end()));
  double sum = 0;
  for (const CostTerm& term : m.marginal.cost.terms) sum += term.ns;
  CHECK(sum == m.marginal.cost.ns);
}

TEST_CASE("the price of a compressed block does not depend on the number of rows") {
  const char* const program =
      "data { int N; } parameters { real m; vector[10] a; real<lower=0> t; real<lower=0> s; }"
      "model { m ~ normal(0, 1); a ~ normal(m, t); for (i in 1:N) sin(i) ~ normal(a[1 + i % 10], s); }";
  const MarginalModel few = marginal_of(program, R"({"N": 200})", automatic()),
                      many = marginal_of(program, R"({"N": 2000})", automatic());
  CHECK(few.marginal.cost.ns == many.marginal.cost.ns);
  PlanOptions loose = automatic();
  loose.compress = false;
  CHECK(marginal_of(program, R"({"N": 2000})", loose).marginal.cost.ns > 2 * many.marginal.cost.ns);
}

TEST_CASE("equal candidates: source order decides") {
  // Two factors of a product, alike in everything: one of them can go.
  const std::string program =
      "parameters { vector[3] u; vector[3] v; }\nmodel { u ~ normal(0, 1); v ~ normal(0, 1);\n [1, 2, 3] ~ normal(u .* v, 1); }";
  const MarginalModel largest_set = marginal_of(program, "{}");
  CHECK(sampled_names(largest_set.marginal) == "v ");
  CHECK(entry(largest_set, "v").reason == "bilinear_with u");
  const MarginalModel m = marginal_of(program, "{}", automatic());
  std::vector<PlanAlternative> one = m.marginal.alternatives;
  std::erase_if(one, [](const PlanAlternative& a) { return a.eliminated.empty(); });
  REQUIRE(one.size() == 2);
  CHECK(one[0].cost.weighted() == one[1].cost.weighted());
  CHECK(one[0].eliminated == std::vector<int>{0});
}

TEST_CASE("a parameter that costs more than it brings is kept, with the figures as the reason") {
  // 30 coefficients over 40 rows with scales of their own: the block is dense, the joint density is not.
  const char* const program =
      "data { int N; matrix[N, 30] x; vector[N] y; } parameters { vector[30] b; vector[N] logs; }\n"
      "model { b ~ normal(0, 1); logs ~ normal(0, 1); y ~ normal(x * b, exp(logs)); }";
  std::string rows, ys;
  for (int i = 0; i < 40; ++i) {
    rows += i ? ", [" : "[";
    for (int j = 0; j < 30; ++j) rows += (j ? "," : "") + std::to_string((i * 7 + j * 11) % 13 - 6);
    rows += "]";
    ys += (i ? "," : "") + std::to_string(i % 5);
  }
  const std::string data = R"({"N": 40, "x": [)" + rows + "], \"y\": [" + ys + "]}";
  const MarginalModel m = marginal_of(program, data, automatic());
  CHECK(sampled_names(m.marginal) == "b logs ");
  CHECK(entry(m, "b").reason == "cost");
  CHECK(entry(m, "b").lines == std::vector<int>{1});
  CHECK(entry(m, "b").detail.find("would rise from") != std::string::npos);
  PlanOptions forced = automatic();
  forced.require = {"b"};
  CHECK(sampled_names(marginal_of(program, data, forced).marginal) == "logs ");
}

TEST_CASE("--require: who cannot be eliminated ends it, with the reason") {
  const std::string program =
      "parameters { real<lower=0> t; real s; vector[2] z; }\nmodel { t ~ lognormal(0, 1); s ~ normal(0, t); z ~ normal(0, "
      "1);\n[1, 2] ~ normal(s * z, 1); }";
  const auto refusal = [&](PlanOptions options) -> std::pair<int, std::string> {
    try {
      marginal_of(program, "{}", options);
      return {0, ""};
    } catch (const Error& error) {
      return {static_cast<int>(error.exit_code()), error.what()};
    }
  };
  PlanOptions options = automatic();
  options.require = {"s"};
  CHECK(sampled_names(marginal_of(program, "{}", options).marginal) == "t z ");  // though z is the larger
  options.marginalize = "all";
  CHECK(sampled_names(marginal_of(program, "{}", options).marginal) == "t z ");
  options.require = {"s", "z"};
  CHECK(refusal(options).first == 4);
  CHECK(refusal(options).second.find("line 3") != std::string::npos);
  options.require = {"t"};
  CHECK(refusal(options).first == 4);
  CHECK(refusal(options).second.find("--require: `t`") == 0);
  options.require = {"s"};
  options.marginalize = "none";
  CHECK(refusal(options).first == 4);
  options.marginalize = "auto";
  options.keep = {"s"};
  CHECK(refusal(options).first == 2);
  options.keep = {};
  options.require = {"zz"};
  CHECK(refusal(options).first == 2);
  CHECK(refusal(options).second.find("`z`") != std::string::npos);
}
