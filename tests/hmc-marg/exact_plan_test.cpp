// Which set of parameters exact integrates out.
#include "hmc-marg/exact_plan.h"

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "hmc-marg/quiet_run.h"
#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

// Each row has a scale of its own, so that integrating b out is dearer than sampling it.
constexpr const char* kProgram =
    "data { int N; } parameters { vector[6] b; real t; }\n"
    "model { b ~ normal(0, 1); t ~ normal(0, 1); for (i in 1:N) sin(i) ~ normal(b[1] + b[2] * cos(i) + b[3] * cos(2 * i) + b[4] "
    "* "
    "cos(3 * i) + b[5] * cos(4 * i) + b[6] * cos(5 * i), exp(t * i / N)); }";

std::size_t dimensions_left(const PlanOptions& options, bool exact) {
  Model model = load_text(kProgram, R"({"N": 40})");
  QuietRun run;
  return (exact ? exact_plan(model, options, run) : marginalize(model.graph, options)).target.inputs.size();
}

}  // namespace

TEST_CASE("exact takes the set of fewest dimensions where the cheapest leaves more than three") {
  PlanOptions options;
  REQUIRE(dimensions_left(options, false) == 7);
  CHECK(dimensions_left(options, true) == 1);
  options.keep = {"b"};  // a wish is a wish: integrate() says what is too much
  CHECK(dimensions_left(options, true) == 7);
  options.keep = {};
  options.marginalize = "none";
  try {
    dimensions_left(options, true);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::infeasible);
    CHECK(error.message().find("--marginalize all leaves 1") != std::string::npos);
  }
}
