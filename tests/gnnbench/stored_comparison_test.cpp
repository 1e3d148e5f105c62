// A comparison's folder read back, and curves of other programs imported into it.
#include "gnnbench/stored_comparison.h"

#include <doctest/doctest.h>
#include <cmath>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/run_directory.h"
#include "cli/scratch.h"
#include "gnnbench/comparison_report.h"
#include "gnnbench/comparison_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using testing::record;
namespace fs = std::filesystem;

namespace {

// sync and ns with two seeds each, compared at 0.8, as `compare` leaves them.
fs::path write_comparison(const test::Scratch& scratch) {
  const fs::path folder = scratch.path() / "cmp";
  cli::DiskRunDirectory directory(folder, {"gnnbench", "compare"}, cli::Reuse::refuse);
  std::vector<RunRecord> runs = {record("sync", 1, {{0, .1}, {4, .8}}, .8), record("ns:5", 1, {{0, .1}, {2, .81}}, .8),
                                 record("sync", 2, {{0, .1}, {6, .82}}, .8), record("ns:5", 2, {{0, .1}, {2, .8}}, .8)};
  Json planned = Json::array();
  for (RunRecord& run : runs) {
    run.folder = "runs/" + std::string(name_of(run.family)) + std::to_string(run.seed);
    testing::write_run(folder / run.folder, run);
    planned.push_back({{"system", run.system}, {"text", run.text}, {"seed", run.seed}, {"folder", run.folder}});
  }
  Json result = comparison_json(compare_runs(runs, {.target = parse_target("auto:0.99")}));
  result["data"] = {{"name", "graph"}};
  result["plan"] = {{"runs", planned}};
  directory.write("result.json", Json{{"schema", "tenfold.gnnbench.compare/1"}, {"result", result}}.dump());
  directory.finish(0);
  return folder;
}

std::string message_of(const std::string& curve, const test::Scratch& scratch) {
  try {
    (void)read_curve_file(scratch.file("curve.csv", curve), "PyG");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("a stored comparison compares as it did, and at another target anew") {
  const test::Scratch scratch;
  const StoredComparison stored = read_comparison(write_comparison(scratch));
  CHECK(stored.runs.size() == 4);
  CHECK(stored.name == "cmp");
  const Comparison c = stored.compared();
  CHECK(c.target == doctest::Approx(.99 * .805));  // medians: sync .81, ns .805
  CHECK(*c.systems[0].median_s == 4);
  CHECK(c.systems[0].runs[0].setup_s == .25);
  CHECK(c.systems[1].runs[0].breakdown_s.at("forward") == .2);
  const Comparison higher = stored.compared({.target = parse_target("0.82")});
  CHECK(higher.systems[0].reached == 1);
}

TEST_CASE("an imported curve is kept, marked, joined, and belongs to the comparison's files") {
  const test::Scratch scratch;
  const fs::path folder = write_comparison(scratch);
  const std::string file = scratch.file("curve.csv", "time_s,seed,val,test\n0,1,.1,.1\n0,2,.1,.1\n3,1,.8,.79\n9,2,.5,.5\n");
  const std::vector<RunRecord> curve = read_curve_file(file, "PyG, full batch");
  REQUIRE(curve.size() == 2);
  CHECK(curve[0].curve.size() == 2);
  CHECK(curve[0].test == .79);
  store_curve(folder, "PyG, full batch", curve, false);
  CHECK(fs::exists(folder / "imported/PyG--full-batch.csv"));
  CHECK(test::slurp(folder / "manifest.json").find("imported/PyG--full-batch.csv") != std::string::npos);

  const Comparison c = read_comparison(folder).compared();
  REQUIRE(c.systems.size() == 3);
  CHECK(c.systems[2].name == "PyG, full batch");
  CHECK(c.systems[2].imported);
  CHECK(c.systems[2].reached == 1);  // seed 2 is censored at 9 s
  CHECK(c.pairs[1].time.kind == RatioKind::at_most);  // sync / PyG: 4/3 and at most 6/9
  CHECK(*c.pairs[1].time.ratio == doctest::Approx(std::sqrt(4.0 / 3 * 6 / 9)));
  CHECK_FALSE(c.pairs[1].updates.ratio.has_value());  // it does not tell

  store_curve(folder, "../evil", curve, false);
  CHECK(fs::exists(folder / "imported/----evil.csv") == false);
  CHECK(fs::exists(folder / "imported/---evil.csv"));  // neither outside nor hidden
  CHECK_THROWS_AS(store_curve(folder, "PyG, full batch", curve, false), Error);
  CHECK_NOTHROW(store_curve(folder, "PyG, full batch", curve, true));
  CHECK_THROWS_AS(store_curve(folder, "ns:5", curve, true), Error);

  // --force on the comparison takes the import with it.
  {
    cli::DiskRunDirectory(folder, {"gnnbench", "compare"}, cli::Reuse::force).begin();
  }
  CHECK_FALSE(fs::exists(folder / "imported"));
}

TEST_CASE("bad curves say where") {
  const test::Scratch scratch;
  CHECK(message_of("seed,time_s,val\n1,0,.1\n1,2,.5\n", scratch).empty());
  CHECK(message_of("seed,time_s,val,extra\n1,0,.1,3\n", scratch).find("curve.csv:1: column extra") != std::string::npos);
  CHECK(message_of("seed,val\n1,.5\n", scratch).find("curve.csv:1: the header seed,time_s,val") != std::string::npos);
  CHECK(message_of("seed,time_s,val\n", scratch).find("no row") != std::string::npos);
  CHECK(message_of("seed,time_s,val\n1,0,.1\n1,2,1.5\n", scratch).find("row 2 below the header: val 1.5") != std::string::npos);
  CHECK(message_of("seed,time_s,val\n1,3,.1\n1,2,.5\n", scratch).find("time_s 2 of seed 1 comes after 3") != std::string::npos);
  CHECK(message_of("seed,time_s,val\n1.5,3,.1\n", scratch).find("seed 1.5") != std::string::npos);
  CHECK(message_of("seed,time_s,val\n1,-3,.1\n", scratch).find("time_s -3") != std::string::npos);
  CHECK(message_of("seed,time_s,val\n1,nan,.1\n", scratch).find("time_s") != std::string::npos);
}

TEST_CASE("folders that hold no comparison are refused") {
  const test::Scratch scratch;
  const auto refuses = [&](const std::string& bytes) {
    fs::create_directories(scratch.path() / "other");
    scratch.file("other/result.json", bytes);
    try {
      (void)read_comparison(scratch.path() / "other");
    } catch (const Error& error) {
      return error.exit_code() == ExitCode::input;
    }
    return false;
  };
  CHECK_THROWS_AS(read_comparison(scratch.path() / "nothing"), Error);
  CHECK(refuses("{}"));
  CHECK(refuses("not json"));
  CHECK(refuses(R"({"schema": "tenfold.gnnbench.train/1", "result": {}})"));
  CHECK(refuses(R"({"schema": "tenfold.gnnbench.compare/1", "result": {"target": 3}})"));
  RunRecord run = record("sync", 1, {{0, .1}}, .1);
  Json result = testing::result_json(run);
  result["result"]["best"]["val"] = "high";
  fs::create_directories(scratch.path() / "run");
  scratch.file("run/result.json", result.dump(1));
  try {
    (void)read_run(scratch.path() / "run");
    CHECK(false);
  } catch (const Error& error) {
    CHECK(error.message().find("val: a number is needed; is this the result of gnnbench train?") != std::string::npos);
  }
}
