// What counts as a funnel, what families and crossed blocks cost, and what --reparam auto takes.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "hmc-marg/marginal_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

PlanOptions with(const std::string& marginalize, const std::string& reparam = "none") {
  PlanOptions options;
  options.marginalize = marginalize;
  options.reparam = reparam;
  return options;
}

double term_ns(const Marginal& marginal, const std::string& name) {
  for (const CostTerm& term : marginal.cost.terms)
    if (term.name == name) return term.ns;
  return 0;
}

// n counts y with exposures 1, or 1 + i / n.
std::string counts(int n, bool alike = false) {
  std::string y, c;
  for (int i = 0; i < n; ++i) {
    y += (i ? "," : "") + std::to_string(i * 7 % 11 * (i % 3));
    c += (i ? "," : "") + std::to_string(alike ? 1.0 : 1 + static_cast<double>(i) / n);
  }
  return R"({"n": )" + std::to_string(n) + ", \"y\": [" + y + "], \"c\": [" + c + "]}";
}

std::string rates(const std::string& prior) {
  return "data { int n; array[n] int y; vector[n] c; } parameters { vector<lower=0>[n] x; real<lower=0> a; real<lower=0> b; }\n"
         "model { a ~ exponential(1); b ~ normal(0, 3); x ~ " +
         prior + "; y ~ poisson(c .* x); }";
}

constexpr const char* kCrossed =
    "data { int N; } parameters { real b; vector[6] z; vector[5] w; real<lower=0> s1; real<lower=0> s2; real<lower=0> s; }\n"
    "model { b ~ normal(0, 5); z ~ normal(0, 1); w ~ normal(0, 1); s1 ~ normal(0, 1); s2 ~ normal(0, 1); s ~ normal(0, 1);\n"
    "for (i in 1:N) sin(i) ~ normal(b * cos(i) + s1 * z[1 + i % 6] + s2 * w[1 + i % 5], s); }";

bool has(const std::vector<int>& set, int p) { return std::binary_search(set.begin(), set.end(), p); }

}  // namespace

TEST_CASE("a plate with a sampled rate or shape is integrated out, and is a funnel where it is sampled") {
  for (const char* prior : {"gamma(a, b)", "gamma(2, b)", "gamma(a, a / b)", "inv_gamma(a, b)"}) {
    CAPTURE(prior);
    std::string program = rates(prior);
    if (std::string(prior).starts_with("inv")) program.replace(program.find("y ~ poisson(c .* x)"), 19, "c ~ normal(0, sqrt(x))");
    const MarginalModel m = marginal_of(program, counts(40), with("auto"));
    CHECK(entry(m, "x").eliminated);
    CHECK(!entry(m, "b").eliminated);
    for (const PlanAlternative& a : m.marginal.alternatives) CHECK(a.cost.funnel == !has(a.eliminated, 0));
  }
  const MarginalModel known = marginal_of(rates("gamma(2, 3)"), counts(40), with("auto"));
  for (const PlanAlternative& a : known.marginal.alternatives) CHECK(!a.cost.funnel);
}

TEST_CASE("a parameter times a sampled scale is a funnel where it is sampled, a product of two that can go is none") {
  const MarginalModel m = marginal_of(kCrossed, R"({"N": 60})", with("auto"));
  CHECK(m.marginal.alternatives.size() >= 4);
  for (const PlanAlternative& a : m.marginal.alternatives)
    CHECK(a.cost.funnel == !(has(a.eliminated, 1) && has(a.eliminated, 2)));
  CHECK(entry(m, "z").eliminated);
  CHECK(entry(m, "w").eliminated);
  const MarginalModel product = marginal_of(
      "parameters { vector[3] u; vector[3] v; }\nmodel { u ~ normal(0, 1); v ~ normal(0, 1);\n [1, 2, 3] ~ normal(u .* v, 1); }",
      "{}", with("auto"));
  for (const PlanAlternative& a : product.marginal.alternatives) CHECK(!a.cost.funnel);
}

TEST_CASE("families: equal elements are one, known children are folded, transforms go with their parameter") {
  const MarginalModel alike = marginal_of(rates("gamma(a, b)"), counts(1000, true), with("x")),
                      apart = marginal_of(rates("gamma(a, b)"), counts(1000), with("x"));
  CHECK(term_ns(alike.marginal, "families") < 300);
  CHECK(term_ns(apart.marginal, "families") > 3000);
  CHECK(term_ns(apart.marginal, "families") < 10000);
  CHECK(term_ns(apart.marginal, "logarithms") < 10);  // of a and b alone
}

TEST_CASE("densities: a sampled shape takes functions of its own a lane, a known one does not") {
  const double sampled = term_ns(marginal_of(rates("gamma(a, b)"), counts(100), with("none")).marginal, "densities"),
               known = term_ns(marginal_of(rates("gamma(2, b)"), counts(100), with("none")).marginal, "densities");
  CHECK(sampled - known > 2000);
  CHECK(known < 1500);
}

TEST_CASE("rows with scales of their own or without equals cost more than rows in groups alike") {
  const auto block = [](const std::string& model) {
    return term_ns(
        marginal_of("data { int N; } parameters { vector[20] z; vector[7] w; real<lower=0> s; vector[N] l; }\nmodel { z ~ "
                    "normal(0, 1); w ~ normal(0, 1); s ~ normal(0, 1); l ~ normal(0, 1); for (i in 1:N) sin(i) ~ normal(" +
                        model + "; }",
                    R"({"N": 140})", with("all"))
            .marginal,
        "block");
  };
  const double alike = block("z[1 + i % 20], s)"), crossed = block("z[1 + i % 20] + w[1 + i % 7], s)"),
               own = block("z[1 + i % 20], exp(l[i]))");
  CHECK(own > 2 * alike);
  CHECK(crossed > 5 * alike);
}

TEST_CASE("--reparam auto takes priors whose location is sampled, with a known scale, too") {
  const char* const program =
      "parameters { real m; vector[3] a; vector[2] f; real<lower=0> s; }\nmodel { m ~ normal(0, 1); a ~ normal(m, 2); f ~ "
      "normal(1, 2); s ~ normal(0, 1); [1, 2, 4] ~ normal(a, s); [1, 2] ~ normal(f, s); }";
  const MarginalModel m = marginal_of(program, "{}", with("none", "auto"));
  CHECK(entry(m, "a").rule == "noncentred");
  for (const char* name : {"m", "f", "s"}) CHECK(entry(m, name).rule.empty());
}
