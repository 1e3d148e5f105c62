// Planning a comparison, and running it with a stand-in for `gnnbench train`: order, resumption, failures, interruption.
#include "gnnbench/compare_runs.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <cmath>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/stop.h"
#include "cli/run_directory.h"
#include "cli/scratch.h"
#include "gnnbench/comparison_support.h"
#include "gnnbench/generate.h"
#include "gnnbench/recording_run.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using gnnbench::testing::RecordingRun;
namespace fs = std::filesystem;

namespace {

Dataset small_graph() { return generate_dataset({.kind = GraphKind::ring, .nodes = 200, .classes = 3, .features = 4}, 1); }

ComparisonTask task_of(std::vector<std::string> systems, std::vector<std::string> baselines = {"mlp", "labelprop"}) {
  ComparisonTask task;
  task.train.comm = Comm::inproc;
  task.train.batch = 10;
  task.train.epochs = 20;
  task.systems = std::move(systems);
  task.baselines = std::move(baselines);
  task.seeds = 2;
  task.first_seed = 7;
  task.measure = {.target = parse_target("auto:0.99")};
  return task;
}

// Notes its words and leaves the result that lies ready for its folder, after what `body` does.
fs::path stand_in(const test::Scratch& scratch, const std::string& body = "") {
  const std::string text =
      "#!/bin/bash\nout=\nfor ((i = 1; i <= $#; ++i)); do [ \"${!i}\" != --out ] || { j=$((i + 1)); out=${!j}; }; done\n"
      "echo \"$*\" >> " +
      scratch.path().string() +
      "/calls\n"
      "[ -z \"$TENFOLD_STOP_AFTER\" ] || { echo 'gnnbench: error: told to stop' >&2; exit 2; }\n" +
      body + "\ncp " + scratch.path().string() + "/ready/${out//\\//-}.json $out/result.json && echo '{}' > $out/manifest.json\n";
  const std::string path = scratch.file("train", text);
  chmod(path.c_str(), 0755);
  return path;
}

struct Bench {
  test::Scratch scratch;
  ComparisonPlan plan = plan_comparison(task_of({"sync", "ns:5"}), small_graph());
  RecordingRun run;

  Bench() {
    fs::create_directories(scratch.path() / "ready");
    for (const PlannedRun& planned : plan.runs) {
      std::string name = planned.folder;
      std::replace(name.begin(), name.end(), '/', '-');
      RunRecord r = testing::record(planned.text, planned.seed, {{0, .1}, {1, .9}}, .9);
      scratch.file("ready/" + name + ".json", testing::result_json(r).dump());
    }
  }
  FinishedRuns go(const fs::path& program, cli::Reuse reuse = cli::Reuse::refuse) {
    cli::DiskRunDirectory directory(scratch.path() / "cmp", {"gnnbench", "compare"}, reuse);
    run.folder = &directory;
    return run_children(plan, {.program = program, .data = "data.gnnb"}, run);
  }
  std::vector<std::string> calls() const {
    std::vector<std::string> lines;
    std::istringstream text(test::slurp(scratch.path() / "calls"));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
};

}  // namespace

TEST_CASE("a plan runs seed by seed, label propagation once, and names systems by what tells them apart") {
  const ComparisonPlan plan = plan_comparison(task_of({"sync", "ns:5:5+lr=0.02", "pipe@2"}), small_graph());
  std::vector<std::string> folders;
  for (const PlannedRun& run : plan.runs) folders.push_back(run.folder);
  CHECK(folders == std::vector<std::string>{"runs/sync-7", "runs/ns-5-5-7", "runs/pipe@2-7", "runs/mlp-7", "runs/labelprop-7",
                                            "runs/sync-8", "runs/ns-5-5-8", "runs/pipe@2-8", "runs/mlp-8"});
  CHECK(plan.systems[1].name == "ns:5:5");
  CHECK(plan.systems[1].plan.lr == .02);
  CHECK(plan.runs[1].text == "ns:5:5+lr=0.02");
  // 100 of 200 nodes train, ten a batch; evaluations at 0, 1, ..: geo:1.06 up to 200 updates.
  CHECK(plan.systems[1].plan.updates_per_epoch == 10);
  CHECK(plan.systems[1].plan.max_updates == 200);
  CHECK(plan.systems[0].plan.max_updates == 20);
  CHECK(plan.systems[0].evaluations == 20);  // 0 to 17, 19 (from 18.02), and the last update

  const ComparisonPlan apart = plan_comparison(task_of({"ns:5+lr=0.1", "ns:5+lr=0.2"}), small_graph());
  CHECK(apart.systems[0].name == "ns:5+lr=0.1");
  CHECK(apart.runs[0].folder == "runs/ns-5-lr-0.1-7");
  for (const auto& bad : std::vector<std::vector<std::string>>{{"sync", "sync"}, {"syn"}, {"mlp"}, {}, {"ns:5+epoch=3"}})
    CHECK_THROWS_AS(plan_comparison(task_of(bad), small_graph()), Error);
  CHECK_THROWS_AS(plan_comparison(task_of({"sync"}, {"ns"}), small_graph()), Error);
}

TEST_CASE("systems of several workers are left out where mpirun is not there") {
  const std::string path = getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  ComparisonTask task = task_of({"sync", "pipe@2"});
  task.train.comm = Comm::mpi;
  const ComparisonPlan plan = plan_comparison(task, small_graph());
  setenv("PATH", path.c_str(), 1);
  REQUIRE(plan.left_out.size() == 1);
  CHECK(plan.left_out[0].first == "pipe@2");
  CHECK(plan.left_out[0].second.find("openmpi-bin") != std::string::npos);
  CHECK(plan.systems.size() == 3);
}

TEST_CASE("what differs from train's defaults is passed on") {
  TrainOptions options;
  CHECK(training_arguments(options, "ns").empty());
  options.model.hidden = 64;
  options.model.self_loops = false;
  options.bns_floor = true;
  options.fanout = {"5", "10"};
  options.lr = 0.02;
  options.target = 0.9;  // compare looks at whole curves: no run is told
  const std::vector<std::string> words = training_arguments(options, "ns");
  const auto follows = [&](const std::string& name, const std::string& value) {
    const auto found = std::find(words.begin(), words.end(), name);
    return found != words.end() && found + 1 != words.end() && *(found + 1) == value;
  };
  CHECK(follows("--hidden", "64"));
  CHECK(follows("--self-loops", "off"));
  CHECK(follows("--fanout", "5,10"));
  CHECK(follows("--lr", "0.02"));
  CHECK(words.size() == 8);
  // What a system has no use for it is not told.
  const std::vector<std::string> bns = training_arguments(options, "bns:0.1@2");
  CHECK(std::find(bns.begin(), bns.end(), "--bns-floor=on") != bns.end());
  CHECK(std::find(bns.begin(), bns.end(), "--fanout") == bns.end());
  const std::vector<std::string> own = training_arguments(options, "ns:3:3");
  CHECK(std::find(own.begin(), own.end(), "--fanout") == own.end());
}

TEST_CASE("every run is a child; all files are the comparison's") {
  Bench bench;
  setenv("TENFOLD_STOP_AFTER", "100", 1);  // counts the comparison's steps: a child that saw it would stop by itself
  const FinishedRuns done = bench.go(stand_in(bench.scratch));
  unsetenv("TENFOLD_STOP_AFTER");
  CHECK(done.records.size() == 7);
  CHECK(done.failed.empty());
  CHECK(bench.run.steps == 7);
  CHECK(done.records[0].system == "sync");
  CHECK(done.records[0].seed == 7);
  CHECK(done.records[0].folder == "runs/sync-7");
  CHECK(done.records[1].curve.back().val == .9);
  REQUIRE(bench.calls().size() == 7);
  CHECK(bench.calls()[1].starts_with(
      "train data.gnnb --system ns:5 --seed 7 --batch 10 --epochs 20 --comm inproc --threads 2 --device cpu "));
  CHECK(bench.run.warnings.empty());  // they are the comparison's to say: once for all runs that gave them
  REQUIRE(done.warnings.size() == 1);
  CHECK(done.warnings[0].first == "a warning");
  CHECK(done.warnings[0].second == std::vector<std::string>{"sync", "ns:5", "mlp", "labelprop"});
  const std::string manifest = test::slurp(bench.scratch.path() / "cmp" / "manifest.json");
  CHECK(manifest.find("runs/labelprop-7/result.json") != std::string::npos);
}

TEST_CASE("finished runs are not repeated on resumption, and begun ones are resumed") {
  Bench bench;
  bench.run.on_step = [&](const Progress& progress) {
    if (progress.done == 3) request_stop();
  };
  CHECK_THROWS_AS(bench.go(stand_in(bench.scratch)), Error);
  clear_stop();
  CHECK(bench.calls().size() == 3);
  // The next one had begun when the machine went down.
  fs::create_directories(bench.scratch.path() / "cmp/runs/labelprop-7");
  bench.scratch.file("cmp/runs/labelprop-7/manifest.json", "{}");
  bench.run.on_step = nullptr;
  const FinishedRuns done = bench.go(stand_in(bench.scratch), cli::Reuse::resume);
  CHECK(done.records.size() == 7);
  REQUIRE(bench.calls().size() == 7);
  CHECK(bench.calls()[3].ends_with("--resume"));
  CHECK_FALSE(bench.calls()[4].ends_with("--resume"));
}

TEST_CASE("a run that is infeasible or diverges is listed, and the others go on") {
  Bench bench;
  const FinishedRuns done = bench.go(
      stand_in(bench.scratch, "case $out in *ns-5-8) echo 'gnnbench: error: the loss is not finite' >&2; exit 4;; esac"));
  CHECK(done.records.size() == 6);
  REQUIRE(done.failed.size() == 1);
  CHECK(done.failed[0].system == "ns:5");
  CHECK(done.failed[0].seed == 8);
  CHECK(done.failed[0].message == "the loss is not finite");
}

TEST_CASE("a run that dies ends the comparison, which can be resumed; bad usage is passed on") {
  const auto error_of = [](const std::string& body) -> Error {
    Bench bench;
    try {
      bench.go(stand_in(bench.scratch, body));
    } catch (const Error& error) {
      return error;
    }
    return Error(ExitCode::ok, "");
  };
  const Error killed = error_of("case $out in *ns-5-7) kill -9 $$;; esac");
  CHECK(killed.exit_code() == ExitCode::machine);
  CHECK(killed.message().find("ns:5 with seed 7: ended by signal 9") == 0);
  CHECK(killed.message().find("--resume") != std::string::npos);
  const Error usage = error_of("echo 'gnnbench: warning: x' >&2; echo 'gnnbench: error: no LibTorch part' >&2; exit 2");
  CHECK(usage.exit_code() == ExitCode::usage);
  CHECK(usage.message() == "sync with seed 7: no LibTorch part");
}

TEST_CASE("a stop request reaches the child, which saves and leaves") {
  Bench bench;
  // It says that it is there by a file, and waits for the signal.
  const fs::path program =
      stand_in(bench.scratch, "trap 'echo stopped >> " + bench.scratch.path().string() + "/stopped; exit 130' INT\ntouch " +
                                  bench.scratch.path().string() + "/there\nfor ((n = 0; n < 600; ++n)); do sleep 0.1; done");
  std::thread stopper([&] {
    for (int i = 0; i < 3000 && !fs::exists(bench.scratch.path() / "there"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    request_stop();
  });
  CHECK_THROWS_AS(bench.go(program), Error);
  stopper.join();
  clear_stop();
  CHECK(test::slurp(bench.scratch.path() / "stopped") == "stopped\n");
  CHECK(bench.run.state.has_value());
  CHECK(bench.run.steps == 0);
}
