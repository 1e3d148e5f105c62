// Reasons and their lines: where the densities stand, and what a bounded parameter really does.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/files.h"
#include "cli/scratch.h"
#include "hmc-marg/explain_command.h"
#include "hmc-marg/marginal_support.h"
#include "hmc-marg/quiet_run.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

TEST_CASE("a density in a sum that the target takes later has the line where it stands") {
  const MarginalModel m = marginal_of(
      "parameters {\n real<lower=0> s;\n vector[3] z;\n real<lower=0> t;\n}\n"
      "transformed parameters {\n real lprior = 0;\n lprior += student_t_lpdf(s | 3, 0, 1);\n lprior += normal_lpdf(z | 0, 2);\n"
      " lprior += student_t_lpdf(t | 3, 0, 1);\n}\n"
      "model {\n target += normal_lpdf([1, 2, 4] | t * z', s);\n target += lprior;\n}",
      "{}");
  CHECK(entry(m, "z").lines == std::vector<int>{9, 13});
  CHECK(entry(m, "s").lines == std::vector<int>{2, 8});
  CHECK(entry(m, "t").detail.find("student_t, which is not conjugate to its bounds, at line 10") != std::string::npos);
}

TEST_CASE("a bounded parameter that multiplies one of the block is said to") {
  const MarginalModel m = marginal_of(
      "parameters {\n vector[3] z;\n real<lower=0> t;\n}\nmodel {\n vector[3] r = t * z;\n vector[3] y = [1, 2, 4]';\n z ~ "
      "normal(0, 1);\n"
      " y ~ normal(1 + r, 1);\n t ~ exponential(1);\n}",
      "{}");
  CHECK(entry(m, "t").detail.find("multiplies `z` at line 6") != std::string::npos);
}

TEST_CASE("a hyper-parameter of a multi_normal's covariance is in its scale, whatever its own prior") {
  const MarginalModel m = marginal_of(
      "parameters {\n vector[3] f;\n real<lower=0> l;\n}\nmodel {\n array[3] real t = {0, 1, 2};\n l ~ inv_gamma(3, 3);\n"
      " f ~ multi_normal(rep_vector(0, 3), add_diag(gp_exp_quad_cov(t, 1.0, l), 0.1));\n vector[3] y = [1, 0, 1.5]';\n"
      " y ~ normal(f, 1);\n}",
      "{}");
  CHECK(entry(m, "f").eliminated);
  CHECK(entry(m, "l").reason == "scale_of");
  CHECK(entry(m, "l").lines == std::vector<int>{8});
}

TEST_CASE("who is named by --keep is kept by the user, as epsilon, too") {
  PlanOptions options;
  options.keep = {"z"};
  options.reparam = "auto";
  const MarginalModel m = marginal_of(
      "parameters { real m; real<lower=0> t; vector[3] z; } model { m ~ normal(0, 1); t ~ normal(0, 1); z ~ normal(m, t); [1, 2, "
      "4] ~ "
      "normal(z, 1); }",
      "{}", options);
  CHECK(entry(m, "z").rule == "noncentred");
  CHECK(entry(m, "z").reason == "user");
}

TEST_CASE("explain without data: bounds that a family needs leave a parameter a candidate") {
  const test::Scratch scratch;
  const std::string file = (scratch.path() / "m.stan").string();
  write_file_atomic(
      file,
      "data { int n; } parameters { vector<lower=0>[n] x; vector<lower=0, upper=1>[n] p; simplex[3] q; real<lower=1> s; "
      "real<lower=0, upper=2> r; real m; } model { }");
  ExplainOptions options;
  options.model.model = file;
  QuietRun run;
  const cli::Result result = explain(options, run);
  std::string candidates;
  for (const Json& d : result.value["declarations"])
    if (d["candidate"].get<bool>()) candidates += d["name"].get<std::string>() + " ";
  CHECK(candidates == "x p q m ");
  CHECK(std::count(result.human.begin(), result.human.end(), '\n') == 7);
}
