// Runs of several workers: resumption to the same bits with messages under way, bytes on the wire by the formula.
#include "doctest_torch.h"

#include <cstdlib>
#include <filesystem>

#include "base/philox.h"
#include "gnnbench/load.h"
#include "workers_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;
namespace fs = std::filesystem;

namespace {

void check_same_run(const Json& a, const Json& b) {
  for (const char* key : {"curve_digest", "weights_digest", "stream_digest", "best", "updates", "stopped_by", "bytes"})
    CHECK_MESSAGE(a.at(key) == b.at(key), key);
}

Json train_together_in_pieces(const TrainOptions& options, const Dataset& data, const std::vector<int>& stops) {
  std::optional<cli::State> state;
  int interrupted = 0;
  for (const int stop : stops) {
    StoppableRun run(3, 2);
    run.state = state;
    run.stop_after = stop;
    try {
      train_together(options, data, run);
    } catch (const Error& error) {
      if (error.exit_code() != ExitCode::interrupted) throw;
      ++interrupted;
      state = run.state;
    }
  }
  CHECK(interrupted == static_cast<int>(stops.size()));
  StoppableRun run(3, 2);
  run.state = state;
  return train_together(options, data, run);
}

fs::path cora() {
  const char* named = std::getenv("TENFOLD_DATA");
  return fs::path(named != nullptr && *named != '\0' ? named : TENFOLD_DATA_DEFAULT) / "graphs" / "cora.npz";
}

}  // namespace

TEST_CASE("runs of several workers, stopped at random updates and resumed, end with the same bits") {
  PhiloxStream random(20260102, "stops of workers");
  const Dataset data = random_task({.edges = 200, .seed = 71});
  for (const std::string system : {"sync@2", "pipe@2", "pipe@3", "bns:0.5@2", "ns@2", "labor@3", "cluster:5:1@2"})
    for (const Aggregator aggregator : {Aggregator::mean, Aggregator::pool}) {
      TrainOptions o = small_options(system);
      o.model.aggregator = aggregator;
      o.model.layers = 3;
      o.wd = 1e-3;
      StoppableRun whole(3, 2);
      const Json expected = train_together(o, data, whole);
      const std::vector<int> stops = {1 + static_cast<int>(random.below(4)), 1 + static_cast<int>(random.below(3)), 1};
      INFO(system, " stopped after ", stops[0], " + ", stops[1], " + 1 updates");
      check_same_run(train_together_in_pieces(o, data, stops), expected);
    }
}

TEST_CASE("a checkpoint is of its number of workers") {
  const Dataset data = random_task({.edges = 200, .seed = 72});
  StoppableRun run(3, 2);
  run.stop_after = 2;
  CHECK_THROWS_AS(train_together(small_options("pipe@2"), data, run), Error);
  StoppableRun other(3, 2);
  other.state = run.state;
  try {
    train_together(small_options("pipe@3"), data, other);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
  }
}

TEST_CASE("bytes on the wire: cora in 4 parts, 444 boundary rows of sage 2 x 16") {
  if (!fs::exists(cora())) {
    MESSAGE("skipped: no graphs/cora.npz in TENFOLD_DATA");
    return;
  }
  LoadOptions load;
  load.data = cora().string();
  load.split = "per-class:20,500,1000";
  StoppableRun quiet(1);
  const Dataset data = load_dataset(load, quiet);
  for (const std::string system : {"sync@4", "pipe@4", "bns:1@4"}) {
    INFO(system);
    TrainOptions o;
    o.system = system;
    o.model.hidden = 16;
    o.epochs = 3;
    StoppableRun run(1, 2);
    const Json bytes = train_together(o, data, run)["bytes"];
    CHECK(bytes["forward"] == 3 * 28416);
    CHECK(bytes["backward"] == 3 * 28416);
  }
}

TEST_CASE("a loss that is not finite ends all workers alike") {
  const Dataset data = random_task({.edges = 200, .seed = 73});
  for (const std::string system : {"sync@3", "pipe@2", "bns:0.5@2", "ns@2"}) {
    TrainOptions o = small_options(system);
    o.lr = 1e30;
    StoppableRun run(3, 2);
    try {
      train_together(o, data, run);
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.exit_code() == ExitCode::infeasible);
    }
  }
}
