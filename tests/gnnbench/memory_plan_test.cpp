// What a run is expected to take, and the advice where that is too much.
#include <doctest/doctest.h>

#include "base/error.h"
#include "gnnbench/memory_plan.h"
#include "torch/task_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

std::uint64_t part(const MemoryPlan& plan, const std::string& name) {
  for (const MemoryPart& p : plan.parts)
    if (p.name == name) return p.bytes;
  return 0;
}

TrainPlan plan_of(const std::string& system, std::int64_t hidden, const Dataset& data) {
  TrainOptions o;
  o.system = system;
  o.model.hidden = hidden;
  o.batch = 16;
  o.fanout = {"2"};
  return plan_training(o, data);
}

}  // namespace

TEST_CASE("full-graph activations grow with nodes and width, mini-batch ones with the batch") {
  const Dataset small = testing::random_task({.nodes = 4000, .features = 8, .edges = 8000, .seed = 1});
  const Dataset large = testing::random_task({.nodes = 16000, .features = 8, .edges = 32000, .seed = 1});
  const auto activations = [](const TrainPlan& plan, const Dataset& data) {
    const MemoryPlan memory = plan_memory(plan, data);
    return part(memory, "activations") + part(memory, "evaluation");
  };
  const auto full = activations(plan_of("sync", 64, small), small);
  CHECK(activations(plan_of("sync", 64, large), large) == doctest::Approx(4 * full).epsilon(0.01));
  CHECK(activations(plan_of("sync", 128, small), small) > full * 18 / 10);  // features do not double
  // 4 n sum H bytes are kept for the one hidden layer at least, and not more than 8 n sum H with the layer's transients beside
  // it.
  CHECK(full >= 4u * 4000 * 64);
  // A batch's own rows are bounded by B prod(k + 1), whatever the graph.
  CHECK(part(plan_memory(plan_of("ns", 64, large), large), "a batch's features and edges") ==
        part(plan_memory(plan_of("ns", 64, small), small), "a batch's features and edges"));
}

TEST_CASE("sparse features count as they are stored") {
  const Dataset dense = testing::random_task({.nodes = 500, .features = 40, .seed = 2});
  const Dataset sparse = testing::random_task({.nodes = 500, .features = 40, .sparse = true, .seed = 2});
  CHECK(part(plan_memory(plan_of("sync", 8, dense), dense), "features") == 4u * 500 * 40);
  CHECK(part(plan_memory(plan_of("sync", 8, sparse), sparse), "features") == 8 * (501 + sparse.features.columns.size()));
  CHECK(part(plan_memory(plan_of("sync", 8, sparse), sparse), "aggregated features") == 0);
}

TEST_CASE("a plan above --memory ends with exit code 4 and names a width that fits") {
  const Dataset data = testing::random_task({.nodes = 20000, .features = 8, .edges = 40000, .seed = 3});
  TrainPlan plan = plan_of("sync", 512, data);
  plan.options.memory = static_cast<std::int64_t>(plan_memory(plan, data).total() * 6 / 10);
  try {
    check_memory(plan, data);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::infeasible);
    const std::size_t at = error.message().find("--hidden ");
    REQUIRE(at != std::string::npos);
    TrainPlan smaller = plan;
    smaller.options.model.hidden = std::stoll(error.message().substr(at + 9));
    CHECK_NOTHROW(check_memory(smaller, data));
    smaller.options.model.hidden *= 2;  // the next larger does not
    CHECK_THROWS_AS(check_memory(smaller, data), Error);
  }
}
