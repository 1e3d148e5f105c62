// iterate and retrain: moments go along with their channels, targets and floors hold, new weights inherit nothing, and a run that
// is interrupted at any step gives what one gives that was not.
#include "doctest_torch.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/run_directory.h"
#include "cli/scratch.h"
#include "cli/test_run.h"
#include "mtl-prune/torch/jobs.h"
#include "mtl-prune/torch/training.h"
#include "mtl/architectures.h"

namespace tenfold::mtl_prune {
namespace {

namespace fs = std::filesystem;

// A run directory on disk; stops at a step when asked to.
class FolderRun final : public test::TestRun {
 public:
  explicit FolderRun(const fs::path& path) : folder_(path, {"mtl-prune", "test"}, cli::Reuse::refuse) { folder = &folder_; }
  bool stop() override { return stop_at > 0 && steps >= stop_at; }
  void step(const Progress&) override { ++steps; }

  int steps = 0, stop_at = 0;

 private:
  cli::DiskRunDirectory folder_;
};

// What is left of a run that is stopped after every few steps and goes on from its state each time.
template <class Job>
Json in_pieces(const test::Scratch& scratch, int every, const Job& job) {
  std::optional<cli::State> state;
  for (int piece = 0;; ++piece) {
    FolderRun run(scratch.path() / ("piece" + std::to_string(piece)));
    run.state = std::move(state);
    run.stop_at = every;
    try {
      return job(run);
    } catch (const Error& error) {
      REQUIRE(error.exit_code() == ExitCode::interrupted);
      state = std::move(run.state);
    }
    REQUIRE(piece < 100);
  }
}

IterateOptions small_iterate() {
  IterateOptions options;
  options.model.model = kEmbeddedModel;
  options.data = {.data = "rooms:n=8,size=32x48", .test_images = 4};
  options.every = 3;
  options.step = "30";
  options.until = "macs=0.8";
  options.batch = 4;
  options.exports = {"safetensors"};
  return options;
}

TEST_CASE("the optimiser's moments are sliced as the weights are") {
  const Source source = make_source(kEmbeddedModel, mtl::load_task_model({kEmbeddedModel, ""}, 32, 48), 32, 48);
  Plan plan = keep_everything(source.model.model, source.units);
  plan.sets[0].keep = {0, 2, 3, 7, 11, 15};
  const mtl::Model small = remove_units(source.model.model, source.units, plan);
  // Moments that are the weights themselves must come out as the small network's weights.
  mtl::OptimiserState state;
  state.step = 7;
  const mtl::Executor executor(source.model.model);
  for (const std::string& name : executor.parameter_names())
    state.moments[name] = {executor.weights().at(name), 2 * executor.weights().at(name)};
  const mtl::OptimiserState kept = keep_of(state, kept_indices(source.units, plan));
  const mtl::Executor after(small);
  CHECK(kept.step == 7);
  for (const std::string& name : after.parameter_names()) {
    INFO(name);
    REQUIRE(kept.moments.at(name).size() == 2);
    CHECK(at::equal(kept.moments.at(name)[0], after.weights().at(name)));
    CHECK(at::equal(kept.moments.at(name)[1], 2 * after.weights().at(name)));
  }
}

TEST_CASE("iterate: events of --step units until the target, floors held, removed units told by their first index") {
  const test::Scratch scratch;
  FolderRun run(scratch.path() / "run");
  const Json result = iterate_job(small_iterate(), run);
  CHECK(result["binding"] == "target macs=0.8");
  CHECK(result["model"]["after"]["macs"].get<double>() <= 0.8 * result["model"]["before"]["macs"].get<double>());
  const Json& events = result["events"];
  REQUIRE(events.size() >= 2);
  CHECK(events[0]["removed"].size() == 30);
  CHECK(result["curve"].size() == events.size() + 1);
  CHECK(result["steps"] == 3 * (events.size() + 1));
  std::set<std::pair<int, int>> gone;
  for (const Json& event : events) {
    CHECK(event["removed"].size() <= 30);
    CHECK(event["certificate_max_abs"].get<double>() < 1e-4);
    for (const Json& unit : event["removed"])
      CHECK(gone.emplace(unit[0].get<int>(), unit[1].get<int>()).second);  // nothing goes twice
  }
  const Plan plan = read_plan(scratch.path() / "run" / "plan.json");
  for (const KeptSet& set : plan.sets) {
    CHECK(static_cast<std::int64_t>(set.keep.size()) >= std::min<std::int64_t>(5, set.size));
    for (const std::int64_t unit : set.keep) CHECK_FALSE(gone.contains({set.id, static_cast<int>(unit)}));
    std::int64_t dropped = 0;
    for (const auto& [s, u] : gone) dropped += s == set.id;
    CHECK(static_cast<std::int64_t>(set.keep.size()) + dropped == set.size);
  }
  // What was written is the trained network.
  const mtl::Model written = mtl::read_mtg(scratch.path() / "run" / "pruned.mtg.json");
  CHECK(mtl::weights_sha256(written.weights) == result["model"]["final_weights_sha256"].get<std::string>());
}

TEST_CASE("iterate: interrupted every few steps it gives the same result") {
  const IterateOptions options = small_iterate();
  const test::Scratch scratch;
  FolderRun whole(scratch.path() / "whole");
  const Json expected = iterate_job(options, whole);
  for (const int every : {2, 3}) {  // 3: on the edge of a window
    const test::Scratch pieces;
    CHECK(in_pieces(pieces, every, [&](cli::Run& run) { return iterate_job(options, run); }).dump() == expected.dump());
  }
}

TEST_CASE("iterate: a criterion of weights scores what training has made of them, and what no floor lets go ends it") {
  IterateOptions options = small_iterate();
  options.criterion = "l1";
  options.step = "100%";
  options.until = "units=20";
  options.floor = 14;
  const test::Scratch scratch;
  FolderRun run(scratch.path() / "run");
  const Json result = iterate_job(options, run);
  CHECK(result["binding"] == "no unit may go");
  for (const Json& set : result["sets"])
    if (set["trunk"].get<bool>()) CHECK(set["kept"] == 14);
}

RetrainOptions small_retrain(const fs::path& plan) {
  RetrainOptions options;
  options.plan = plan.string();
  options.model.model = kEmbeddedModel;
  options.data = {.data = "rooms:n=8,size=32x48", .test_images = 4};
  options.seeds = 2;
  options.steps = 5;
  options.validate = 2;
  options.batch = 4;
  options.lr = {"1e-3", "1e-4"};
  return options;
}

fs::path half_plan(const test::Scratch& scratch) {
  const Source source = make_source(kEmbeddedModel, mtl::load_task_model({kEmbeddedModel, ""}, 32, 48), 32, 48);
  Plan plan = keep_everything(source.model.model, source.units);
  for (KeptSet& set : plan.sets)
    if (!set.locked) set.keep.resize(set.keep.size() / 2);
  write_file_atomic(scratch.path() / "plan.json", to_json(plan).dump(1));
  return scratch.path() / "plan.json";
}

TEST_CASE("retrain: new weights of the plan's size, of each seed its own, without a trace of the old ones") {
  const test::Scratch scratch;
  const RetrainOptions options = small_retrain(half_plan(scratch));
  FolderRun run(scratch.path() / "run");
  const Json result = retrain_job(options, run);
  const Json &random = result["arms"]["random"]["seeds"], &pruned = result["arms"]["pruned"]["seeds"];
  REQUIRE(random.size() == 2);
  // Initial weights: drawn for the seed alone, running statistics and norms too; the pruned start is the pruned network.
  mtl::TaskModel model = mtl::load_task_model({kEmbeddedModel, ""}, 32, 48);
  const Source source = make_source(kEmbeddedModel, model, 32, 48);
  Plan plan = read_plan(options.plan);
  mtl::Model fresh = remove_units(source.model.model, source.units, plan);
  for (auto& [name, tensor] : fresh.weights) tensor.values.assign(tensor.values.size(), NAN);
  for (const std::uint64_t seed : {1, 2}) {
    mtl::initialise(fresh, seed);
    CHECK(random[seed - 1]["initial_weights_sha256"] == mtl::weights_sha256(fresh.weights));
    CHECK(pruned[seed - 1]["initial_weights_sha256"] == result["model"]["pruned_weights_sha256"]);
  }
  CHECK(random[0]["final_weights_sha256"] != random[1]["final_weights_sha256"]);
  CHECK(result["model"]["after"]["params"] < result["model"]["before"]["params"]);
  // After five steps the trained weights are far ahead of new ones, and the interval says so.
  const Json& all = result["comparison"]["all"];
  CHECK(all["difference"].get<double>() > 0);
  CHECK(all["ci"][0].get<double>() > 0);
  CHECK(all["seeds"] == 2);
  CHECK(all["images"] == 4);
}

TEST_CASE("retrain: interrupted every few steps it gives the same result") {
  const test::Scratch scratch;
  RetrainOptions options = small_retrain(half_plan(scratch));
  options.lr = {"1e-3"};
  FolderRun whole(scratch.path() / "whole");
  const Json expected = retrain_job(options, whole);
  for (const int every : {3, 5}) {
    const test::Scratch pieces;
    CHECK(in_pieces(pieces, every, [&](cli::Run& run) { return retrain_job(options, run); }).dump() == expected.dump());
  }
}

}  // namespace
}  // namespace tenfold::mtl_prune
