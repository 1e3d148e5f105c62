// Plans read back from plan.json: the same plan again, and what is said of one that does not fit.
#include "hmc-marg/plan_file.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "hmc-marg/explain.h"
#include "hmc-marg/plan_race.h"
#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

const char* const kProgram =
    "data { int J; vector[J] y; vector[J] sigma; } parameters { real mu; real<lower=0> tau; vector[J] theta; }\n"
    "model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma); }";
const char* const kData = R"({"J": 8, "y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]})";

class PlanFile {
 public:
  explicit PlanFile(const std::string& text) : name_(scratch_.file("plan.json", text)) {}
  const std::string& name() const { return name_; }

 private:
  test::Scratch scratch_;
  std::string name_;
};

// exit code and message of planning by a file of this text.
std::pair<int, std::string> refusal(const std::string& text, const std::string& program = kProgram,
                                    const std::string& data = kData) {
  const PlanFile file(text);
  Model model = load_text(program, data);
  PlanOptions options;
  options.plan = file.name();
  QuietRun run;
  try {
    choose_plan(model, options, run);
  } catch (const Error& error) {
    return {static_cast<int>(error.exit_code()), error.message()};
  }
  return {0, ""};
}

bool says(const std::pair<int, std::string>& refusal, const std::string& text) {
  return refusal.second.find(text) != std::string::npos;
}

std::string plan_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  Json plan = Json::array();
  for (const auto& [name, status] : entries) plan.push_back({{"name", name}, {"status", status}});
  return plan.dump();
}

}  // namespace

TEST_CASE("a plan read back is the plan that was written") {
  PlanOptions partly, kept, epsilon, nothing, epsilon_by_itself;
  partly.keep = {"mu"};
  kept.marginalize = "mu";
  epsilon.keep = {"theta"};
  epsilon.reparam = "auto";
  nothing.marginalize = "none";
  epsilon_by_itself.marginalize = "none";
  epsilon_by_itself.reparam = "theta";
  for (const PlanOptions& wish : {PlanOptions(), partly, kept, epsilon, nothing, epsilon_by_itself}) {
    CAPTURE(wish.marginalize);
    CAPTURE(wish.reparam);
    Model first = load_text(kProgram, kData), second = load_text(kProgram, kData);
    QuietRun run;
    const Marginal chosen = choose_plan(first, wish, run);
    const PlanFile file(plan_json(chosen).dump(2));
    PlanOptions options;
    options.plan = file.name();
    const Marginal again = choose_plan(second, options, run);
    CHECK(again.eliminated == chosen.eliminated);
    CHECK(again.cost.ns == chosen.cost.ns);
    CHECK(second.graph.noncentred == first.graph.noncentred);
    // The same density, to the bit: the same draws.
    SamplerOptions few;
    few.chains = 1;
    few.warmup = 50;
    few.draws = 50;
    CHECK(sample_in_memory(first, chosen, few, 1, run).values == sample_in_memory(second, again, few, 1, run).values);
    // Read back twice is read back once.
    const PlanFile copy(plan_json(again).dump());
    Model third = load_text(kProgram, kData);
    options.plan = copy.name();
    CHECK(choose_plan(third, options, run).eliminated == chosen.eliminated);
  }
}

TEST_CASE("a plan of another program is refused by name") {
  const auto stranger = refusal(plan_of({{"mu", "eliminated"}, {"tau", "sampled"}, {"teta", "eliminated"}}));
  CHECK(stranger.first == 3);
  CHECK(says(stranger, "plan.json:1:"));
  CHECK(says(stranger, "the program has no parameter `teta`, but `theta`"));
  const auto silent = refusal(plan_of({{"mu", "eliminated"}}));
  CHECK(silent.first == 3);
  CHECK(says(silent, "nothing is said of the program's parameters `tau`, `theta`"));
  const auto twice = refusal(plan_of({{"mu", "eliminated"}, {"tau", "sampled"}, {"mu", "sampled"}, {"theta", "sampled"}}));
  CHECK(twice.first == 3);
  CHECK(says(twice, "`mu` is named twice"));
}

TEST_CASE("what is no plan is input that cannot be used") {
  CHECK(refusal("{\"plan\": []}").first == 3);
  CHECK(says(refusal("{\"plan\": []}"), "not a plan"));
  CHECK(refusal("[{\"name\": \"mu\"}]").first == 3);
  CHECK(refusal("[1]").first == 3);
  CHECK(refusal("[{\"name\": \"mu\", \"status\": \"gone\"}]").first == 3);
  CHECK(refusal("[{").first == 3);
  Model model = load_text(kProgram, kData);
  PlanOptions options;
  options.plan = "rcae";
  QuietRun run;
  try {
    choose_plan(model, options, run);
    FAIL("a plan of that name is absent");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    CHECK(error.message() == "--plan rcae: no such file; say auto, race or the plan.json of a run");
  }
}

TEST_CASE("a plan that cannot be done ends with the reason") {
  const auto bounded = refusal(plan_of({{"mu", "sampled"}, {"tau", "eliminated"}, {"theta", "sampled"}}));
  CHECK(bounded.first == 4);
  CHECK(says(bounded, "plan.json: `tau` "));
  const auto product =
      refusal(plan_of({{"u", "eliminated"}, {"v", "eliminated"}}),
              "parameters { real u; real v; } model { u ~ normal(0, 1); v ~ normal(0, 1); 1 ~ normal(u * v, 1); }", "{}");
  CHECK(product.first == 4);
  CHECK(says(product, "cannot integrate out `u` together with `v`"));
}

TEST_CASE("a plan file beside other wishes is a contradiction") {
  const PlanFile file(plan_of({{"mu", "eliminated"}, {"tau", "sampled"}, {"theta", "eliminated"}}));
  for (int which = 0; which < 4; ++which) {
    PlanOptions options;
    options.plan = file.name();
    if (which == 0) options.marginalize = "all";
    if (which == 1) options.keep = {"mu"};
    if (which == 2) options.require = {"mu"};
    if (which == 3) options.reparam = "auto";
    Model model = load_text(kProgram, kData);
    QuietRun run;
    try {
      choose_plan(model, options, run);
      FAIL("two answers to one question");
    } catch (const Error& error) {
      CHECK(error.exit_code() == ExitCode::usage);
    }
  }
}
