// A race of the two best predictions: who wins, and that program, data and seed alone decide it.
#include "hmc-marg/plan_race.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/files.h"
#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

// (Days | Subject) as brms writes it. Two plans are within a factor of 1.2 of each other by prediction: with the slope b sampled
// or not. Around `origin` instead of its mean, Days makes b and Intercept, which is always sampled, nearly collinear.
Model sleepstudy(const std::string& origin) {
  const std::filesystem::path samples = std::filesystem::path(TENFOLD_SOURCE_DIR) / "sample_data/hmc-marg";
  std::string program = read_file(samples / "sleepstudy_brms.stan");
  const std::string mean = "mean(X[, i])";
  program.replace(program.find(mean), mean.size(), origin);
  return load_text(program, read_file(samples / "sleepstudy_brms.json"));
}

const std::vector<int> kEffects = {4}, kSlopeAndEffects = {0, 4};  // z_1; b, z_1

PlanOptions racing() {
  PlanOptions options;
  options.plan = "race";
  return options;
}

Marginal raced(Model& model, const PlanOptions& options, std::uint64_t seed = 1, int threads = 2) {
  QuietRun run(seed, threads);
  return choose_plan(model, options, run);
}

}  // namespace

TEST_CASE("the rate: effective draws per predicted second of gradients") {
  RaceEntry entry;
  entry.min_ess = 200;
  entry.leapfrogs = 10000;
  entry.ns = 500;
  CHECK(entry.rate() == doctest::Approx(200 / 0.005));
  entry.leapfrogs = 0;  // it did not start
  CHECK(entry.rate() == 0);
}

TEST_CASE("a race overrules the prediction where trajectories are long") {
  Model model = sleepstudy("-40");
  QuietRun run;
  PlanOptions options;
  CHECK(choose_plan(model, options, run).eliminated == kEffects);
  const Marginal marginal = raced(model, racing());
  CHECK(marginal.eliminated == kSlopeAndEffects);
  REQUIRE(marginal.race.size() == 2);
  CHECK(marginal.race[0].eliminated == kEffects);
  CHECK(marginal.race[1].eliminated == kSlopeAndEffects);
  CHECK(!marginal.race[0].won);
  CHECK(marginal.race[1].won);
  CHECK(marginal.race[1].rate() > marginal.race[0].rate());
  CHECK(marginal.alternatives.front().eliminated == kEffects);
  for (std::size_t k = 0; k < 2; ++k) CHECK(marginal.race[k].ns == marginal.alternatives[k].cost.ns);
  CHECK(marginal.cost.ns == marginal.race[1].ns);
  // The target that comes with it is the winner's.
  CHECK(marginal.target.inputs.size() == 5);
  CHECK(lower(model.graph.graph, marginal.target) != nullptr);
}

TEST_CASE("a race confirms the prediction where it is right") {
  // Without Intercept the trajectories of the other plan are longer, and run into the neck of a funnel.
  const std::filesystem::path samples = std::filesystem::path(TENFOLD_SOURCE_DIR) / "sample_data/hmc-marg";
  Model model = load_text(read_file(samples / "dyestuff_brms.stan"), read_file(samples / "dyestuff_brms.json"));
  const Marginal marginal = raced(model, racing());
  CHECK(marginal.eliminated == std::vector<int>{0, 3});  // Intercept, z_1
  REQUIRE(marginal.race.size() == 2);
  CHECK(marginal.race[0].won);
  CHECK(marginal.race[0].eliminated == marginal.eliminated);
  CHECK(!marginal.race[1].won);
}

TEST_CASE("a parameter that the race left in says so, with both rates") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Model model = sleepstudy("mean(X[, i])");
    const Marginal marginal = raced(model, racing(), seed);
    if (marginal.eliminated == kSlopeAndEffects) continue;
    CHECK(marginal.plan[0].reason == "cost");
    CHECK(marginal.plan[0].detail.find("lost the race") != std::string::npos);
    return;
  }
  MESSAGE("b was integrated out with every seed");
}

TEST_CASE("the winner does not depend on threads, and no figure does") {
  std::vector<Marginal> runs;
  for (const int threads : {1, 3}) {
    Model model = sleepstudy("mean(X[, i])");
    runs.push_back(raced(model, racing(), 7, threads));
  }
  CHECK(runs[0].eliminated == runs[1].eliminated);
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(runs[0].race[k].min_ess == runs[1].race[k].min_ess);
    CHECK(runs[0].race[k].leapfrogs == runs[1].race[k].leapfrogs);
    CHECK(runs[0].race[k].rate() == runs[1].race[k].rate());
  }
  Model model = sleepstudy("mean(X[, i])");
  CHECK(raced(model, racing(), 8).race[0].min_ess != runs[0].race[0].min_ess);
}

TEST_CASE("what cannot be raced is taken as it is") {
  Model alone = load_text("parameters { real<lower=0> s; } model { s ~ lognormal(0, 1); }");
  const Marginal only = raced(alone, racing());
  CHECK(only.race.empty());
  CHECK(only.eliminated.empty());
  // Independent draws cost no gradient.
  Model all = load_text("parameters { real m; } model { m ~ normal(0, 1); 1 ~ normal(m, 1); }");
  const Marginal closed = raced(all, racing());
  CHECK(closed.race.empty());
  CHECK(closed.eliminated == std::vector<int>{0});
}

TEST_CASE("kept parameters stay, and those sampled as epsilon race, too") {
  Model model = sleepstudy("-40");
  PlanOptions options = racing();
  options.keep = {"b"};
  CHECK(raced(model, options).eliminated == kEffects);
  Model schools = load_text(
      "data { int J; vector[J] y; vector[J] sigma; } parameters { real mu; real<lower=0> tau; vector[J] theta; }\n"
      "model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma); }",
      R"({"J": 8, "y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]})");
  options = racing();
  options.reparam = "auto";
  options.keep = {"theta"};
  const Marginal marginal = raced(schools, options);
  CHECK(marginal.plan[2].rule == "noncentred");
  CHECK(schools.graph.noncentred == std::vector<int>{2});
}

TEST_CASE("a race beside a named set is a contradiction") {
  Model model = sleepstudy("0");
  PlanOptions options = racing();
  options.marginalize = "z_1";
  CHECK_THROWS_WITH_AS(raced(model, options),
                       "--plan race says what to integrate out, and so does --marginalize; leave one of them out", Error);
}
