// What is eliminated and what is not, with reasons and source lines; the choice among conflicting parameters; the user's wishes.
#include "hmc-marg/plan.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "hmc-marg/marginal_support.h"
#include "hmc-marg/plan_choice.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

std::string eliminated_names(const MarginalModel& m) {
  std::string names;
  for (const PlanEntry& e : m.marginal.plan)
    if (e.eliminated) names += e.name + " ";
  return names;
}

struct Refusal {
  tenfold::ExitCode code;
  std::string message;
};

Refusal refusal_of(const std::string& program, const PlanOptions& options) {
  const auto model = testing::bound_model(program, "{}");
  try {
    marginalize(model->graph, options);
  } catch (const tenfold::Error& error) {
    return {error.exit_code(), error.what()};
  }
  return {tenfold::ExitCode::ok, ""};
}

PlanOptions exactly(const std::string& list) {
  PlanOptions options = largest();
  options.marginalize = list;
  return options;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("each obstacle is named, with its line") {
  const MarginalModel m = marginal_of(R"(parameters {
  real<lower=0> bounded;
  real in_scale;
  real curved;
  real counted;
  real left;
  real checked;
  real fine;
}
transformed parameters {
  real<lower=0> t = checked + 1;
}
model {
  fine ~ normal(0, bounded);
  1.5 ~ normal(fine, exp(in_scale));
  1.5 ~ normal(curved ^ 2, 1);
  3 ~ poisson_log(counted);
  target += sin(left);
  checked ~ normal(t, 1);
})",
                                      "{}");
  CHECK(eliminated_names(m) == "fine ");
  const auto expect = [&](const char* name, const char* reason, int line) {
    CAPTURE(name);
    CHECK(entry(m, name).reason == reason);
    REQUIRE(!entry(m, name).lines.empty());
    CHECK(entry(m, name).lines[0] == line);
    CHECK(contains(entry(m, name).detail, "line " + std::to_string(line)) ==
          (std::string(reason) != "bounds" || contains(entry(m, name).detail, "line")));
  };
  expect("bounded", "bounds", 2);
  expect("in_scale", "scale_of", 15);
  expect("curved", "nonlinear", 16);
  expect("counted", "family", 17);
  expect("left", "leftover_target", 18);
  expect("checked", "tp_bound", 11);
}

TEST_CASE("a truncated parameter is kept as such") {
  const MarginalModel m = marginal_of("parameters { real a; }\nmodel {\n  a ~ normal(0, 1) T[-5, 5];\n}", "{}");
  CHECK(entry(m, "a").reason == "family");
  CHECK(contains(entry(m, "a").detail, "`a` is truncated at line 3"));
}

TEST_CASE("a transformed parameter's bound that signs prove is no obstacle") {
  const MarginalModel m = marginal_of(
      "parameters { real a; } transformed parameters { real<lower=0> t = exp(a); real<lower=0> u = square(a) + 1; } model { a ~ "
      "normal(0, 1); 1 ~ normal(a, 2); }",
      "{}");
  CHECK(eliminated_names(m) == "a ");
  CHECK(m.marginal.target.nonnegative.empty());
}

TEST_CASE("of two multiplied parameters the larger goes, the other says with whom and where") {
  const MarginalModel m = marginal_of(
      "parameters { real s; vector[3] z; }\nmodel { s ~ normal(1, 1); z ~ normal(0, 1);\n [1, 2, 3] ~ normal(s * z, 1); }", "{}");
  CHECK(eliminated_names(m) == "z ");
  CHECK(entry(m, "s").reason == "bilinear_with z");
  CHECK(entry(m, "s").lines == std::vector<int>{3});
  PlanOptions options = largest();
  options.keep = {"z"};
  const MarginalModel kept = marginal_of(
      "parameters { real s; vector[3] z; }\nmodel { s ~ normal(1, 1); z ~ normal(0, 1);\n [1, 2, 3] ~ normal(s * z, 1); }", "{}",
      options);
  CHECK(eliminated_names(kept) == "s ");
  CHECK(entry(kept, "z").reason == "user");
}

TEST_CASE("a product that reaches no normal factor is no conflict") {
  const MarginalModel m = marginal_of(
      "parameters { real a; real b; } transformed parameters { real p = a * b; } model { a ~ normal(0, 1); b ~ normal(0, 1); 1 ~ "
      "normal(a + b, 1); }",
      "{}");
  CHECK(eliminated_names(m) == "a b ");
}

TEST_CASE("an offset is eliminated only with its parameter, a multiplier never") {
  const std::string program =
      "parameters { real mu; real scale; vector<offset=mu, multiplier=exp(scale)>[4] x; }\nmodel { mu ~ normal(0, 1); scale ~ "
      "normal(0, 1); x ~ normal(mu, 2);"
      " [1, 2, 3, 4] ~ normal(x, 1); }";
  const MarginalModel m = marginal_of(program, "{}");
  CHECK(eliminated_names(m) == "mu x ");
  CHECK(entry(m, "scale").reason == "scale_of");
  PlanOptions options = largest();
  options.keep = {"x"};
  const MarginalModel kept = marginal_of(program, "{}", options);
  CHECK(eliminated_names(kept) == "");
  CHECK(entry(kept, "mu").reason == "conflict");
}

TEST_CASE("lists are exact, and refused with reason and line where they cannot be met") {
  const std::string program =
      "parameters { real<lower=0> t; real a; vector[2] b; }\nmodel { a ~ normal(0, t); b ~ normal(0, 1);\n1 ~ normal(a * b[1], "
      "1); }";
  CHECK(eliminated_names(marginal_of(program, "{}", exactly("a"))) == "a ");
  CHECK(entry(marginal_of(program, "{}", exactly("a")), "b").reason == "user");
  CHECK(eliminated_names(marginal_of(program, "{}", exactly("none"))).empty());
  Refusal refused = refusal_of(program, exactly("t"));
  CHECK(refused.code == tenfold::ExitCode::infeasible);
  CHECK(contains(refused.message, "bounds"));
  CHECK(contains(refused.message, "line 1"));
  refused = refusal_of(program, exactly("a,b"));
  CHECK(refused.code == tenfold::ExitCode::infeasible);
  CHECK(contains(refused.message, "line 3"));
  refused = refusal_of("parameters { real theta; } model { theta ~ normal(0, 1); }", exactly("tehta"));
  CHECK(refused.code == tenfold::ExitCode::usage);
  CHECK(contains(refused.message, "`theta`"));
  PlanOptions keep = largest();
  keep.keep = {"thetaa"};
  CHECK(refusal_of("parameters { real theta; } model { theta ~ normal(0, 1); }", keep).code == tenfold::ExitCode::usage);
}

TEST_CASE("a block whose shape does not fit stays sampled, with the reason `shape`") {
  // 70 x 70 crossed levels, all couples observed through one row each on the diagonal band of width 20
  std::string program =
      "parameters { vector[150] a; vector[150] b; real c; } model { c ~ normal(0, 1); 0.5 ~ normal(c, 1); a ~ normal(0, 1); b ~ "
      "normal(0, 1);"
      "for (i in 1:150) for (j in 1:20) 1 ~ normal(a[i] + b[1 + (7 * i + 11 * j) % 150], 1); }";
  const MarginalModel m = marginal_of(program, "{}");
  CHECK(entry(m, "a").reason == "shape");
  CHECK(eliminated_names(m) == "b c ");
}

TEST_CASE("the same marginal from loops, vectors, target += and locals") {
  const char* const data = R"({"N": 6, "y": [1, 2, 0.5, -1, 3, 2.5], "g": [1, 1, 2, 2, 3, 3]})";
  const std::string head =
      "data { int N; vector[N] y; array[N] int g; } parameters { real m; vector[3] a; real<lower=0> t; real<lower=0> s; }\n";
  const MarginalModel first = marginal_of(head + "model { m ~ normal(0, 2); a ~ normal(m, t); y ~ normal(a[g], s); }", data);
  for (const char* body :
       {"model { m ~ normal(0, 2); for (k in 1:3) a[k] ~ normal(m, t); for (i in 1:N) y[i] ~ normal(a[g[i]], s); }",
        "model { target += normal_lpdf(m | 0, 2); target += normal_lpdf(a | m, t) + normal_lpdf(y | a[g], s); }",
        "transformed parameters { vector[N] f = a[g]; } model { vector[3] c = a - m; m ~ normal(0, 2); a ~ normal(m, t); y - f ~ "
        "normal(0, s); }",
        "transformed parameters { vector[N] ll; for (i in 1:N) ll[i] = normal_lpdf(y[i] | a[g[i]], s); } model { m ~ normal(0, "
        "2); a ~ normal(m, t); target += sum(ll); }"}) {
    CAPTURE(body);
    const MarginalModel other = marginal_of(head + body, data);
    CHECK(eliminated_names(other) == eliminated_names(first));
    for (int k = 0; k < 3; ++k) {
      const std::vector<double> q = point(k, 2);
      std::vector<double> a, b;
      const double x = first(q, a), y = other(q, b);
      CHECK(std::fabs(x - y) < 1e-12 * std::fabs(x));
      for (std::size_t i = 0; i < q.size(); ++i) CHECK(std::fabs(a[i] - b[i]) < 1e-12 * std::max(1.0, std::fabs(a[i])));
    }
  }
}

TEST_CASE("compression makes the block independent of the number of rows") {
  const char* const program =
      "data { int N; } parameters { real m; vector[10] a; real<lower=0> t; real<lower=0> s; real b; }"
      "model { m ~ normal(0, 1); b ~ cauchy(0, 1); a ~ normal(m, t); for (i in 1:N) sin(i) ~ normal(a[1 + i % 10] + b * cos(i), "
      "s); }";
  const MarginalModel few = marginal_of(program, R"({"N": 200})"), many = marginal_of(program, R"({"N": 2000})");
  CHECK(few.marginal.block->rows == 200);
  CHECK(many.marginal.block->rows == 2000);
  CHECK(few.marginal.block->rows_compressed == many.marginal.block->rows_compressed);
  CHECK(many.marginal.block->rows_compressed <= 10 + 2);
}

TEST_CASE("the largest compatible set: exact, ties to the first") {
  CHECK(largest_compatible({1, 1, 1}, {{0, 1}, {1, 2}}, {}) == std::vector<bool>{true, false, true});
  CHECK(largest_compatible({1, 3, 1}, {{0, 1}, {1, 2}}, {}) == std::vector<bool>{false, true, false});
  CHECK(largest_compatible({2, 2}, {{0, 1}}, {}) == std::vector<bool>{true, false});
  CHECK(largest_compatible({5, 1, 7}, {{1, 2}}, {{0, 1}}) == std::vector<bool>{false, false, true});
  CHECK(largest_compatible({5, 1, 4}, {{1, 2}}, {{0, 1}}) == std::vector<bool>{true, true, false});
}
