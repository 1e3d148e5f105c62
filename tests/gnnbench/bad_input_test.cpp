// What train is told wrongly, on the binary: the exit code, what the one line says, and that nothing of an earlier run is lost.
// Workers that die are in launcher_test and below; readers' bad input in load_test and data_commands_test.
#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/process.h"
#include "cli/process.h"
#include "cli/scratch.h"

using namespace tenfold;
using test::Scratch;
using OrderedJson = nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

test::Outcome train(std::vector<std::string> more, const Scratch& scratch,
                    const std::map<std::string, std::string>& variables = {}) {
  std::vector<std::string> words = {
      TENFOLD_BUILD_DIR "/bin/gnnbench", "train", "sample_data/gnn/iris.npz", "-q", "--format", "json"};
  words.insert(words.end(), more.begin(), more.end());
  const auto given = [&](const char* option) { return std::find(more.begin(), more.end(), option) != more.end(); };
  if (!given("--resume")) {
    if (!given("--split")) words.insert(words.end(), {"--split", "random:0.5,0.25,0.25"});
    if (!given("--epochs")) words.insert(words.end(), {"--epochs", "6"});
    if (!given("--hidden")) words.insert(words.end(), {"--hidden", "8"});
  }
  return test::run(words, {.directory = scratch.path().string(), .variables = variables, .input = ""});
}

void refused(const test::Outcome& outcome, int code, const std::vector<std::string>& messages) {
  CHECK_MESSAGE(outcome.exit_code == code, outcome.err);
  CHECK(outcome.out.empty());
  for (const std::string& message : messages)
    CHECK_MESSAGE(outcome.err.find(message) != std::string::npos, message << " in " << outcome.err);
  CHECK(outcome.err.find("terminate") == std::string::npos);
}

bool can_launch() {
  const bool there = !find_program("mpirun").empty();
  if (!there) MESSAGE("skipped: needs mpirun");
  return there;
}

// Parent of a process, 0 where it is gone or dead.
int parent_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string line((std::istreambuf_iterator<char>(file)), {});
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(line.substr(name_end + 1));
  char state = 'Z';
  int parent = 0;
  rest >> state >> parent;
  return state == 'Z' || state == 'X' ? 0 : parent;
}

// Worker processes that descend from this one: by their command line and their ancestors.
std::vector<int> own_workers() {
  std::vector<int> found;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string line((std::istreambuf_iterator<char>(file)), {});
    if (line.find(std::string("/bin/gnnbench\0worker", 20)) == std::string::npos || line.find("mpirun") != std::string::npos)
      continue;
    int ancestor = std::stoi(name);
    for (int i = 0; i < 8 && ancestor > 1 && ancestor != getpid(); ++i) ancestor = parent_of(ancestor);
    if (ancestor == getpid()) found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace

TEST_CASE("train: what is mistyped or cannot be is refused with 2 before anything is written") {
  const Scratch scratch;
  const struct {
    std::vector<std::string> words;
    std::vector<std::string> says;
  } rows[] = {
      {{"--system", "ns:0"}, {"fanout 0", "at least 1"}},
      {{"--system", "ns:5:-1"}, {"fanout -1"}},
      {{"--system", "ns", "--fanout", "10,0"}, {"fanout", "0"}},
      {{"--system", "cluster:151:1"}, {"151", "150 nodes"}},
      {{"--system", "sync@151"}, {"151 workers", "150 nodes"}},
      {{"--system", "sync@0"}, {"sync@0"}},
      {{"--model", "gat", "--heads", "3"}, {"--heads 3", "--hidden"}},
      {{"--system", "bns:1.5@2"}, {"bns:1.5", "above 0 and at most 1"}},
      {{"--system", "bns:0@2"}, {"bns:0", "above 0 and at most 1"}},
      {{"--system", "labour:3"}, {"labour", "did you mean labor?"}},
      {{"--system", "sync+droput=0.1"}, {"droput", "did you mean dropout?"}},
      {{"--system", "sync+fanout=3"}, {"fanout has no effect there", "sync draws no neighbours"}},
      {{"--system", "ns:5+heads=2"}, {"heads has no effect there", "the model is sage"}},
      {{"--model", "mlp", "--system", "ns:5"}, {"it has no graph, which ns trains on", "--system mlp"}},
      {{"--model", "sgae"}, {"sgae", "sage"}},
      {{"--droput", "0.1"}, {"--droput", "--dropout"}},
      {{"--dropout", "1"}, {"--dropout"}},
      {{"--eval-every", "geo:1"}, {"geo:1"}},
      {{"--device", "cuda"}, {"cuda"}},
  };
  for (const auto& row : rows) {
    INFO(row.words[0], " ", row.words[1]);
    std::vector<std::string> words = row.words;
    words.insert(words.end(), {"-o", "run"});
    refused(train(words, scratch), 2, row.says);
    CHECK_FALSE(fs::exists(scratch.path() / "run/result.json"));
  }
}

TEST_CASE("train: a resumed run keeps its configuration and its data") {
  const Scratch scratch;
  REQUIRE(train({"-o", "run"}, scratch, {{"TENFOLD_STOP_AFTER", "3"}}).exit_code == 130);
  refused(train({"-o", "run", "--resume", "--lr", "0.5"}, scratch), 3, {"lr"});
  REQUIRE(train({"-o", "run", "--resume"}, scratch).exit_code == 0);

  // The same path, other data.
  const auto copy_of = [&](const std::string& split_seed) {
    const test::Outcome outcome =
        test::run({TENFOLD_BUILD_DIR "/bin/gnnbench", "data", "convert", "sample_data/gnn/iris.npz", "--split",
                   "random:0.5,0.25,0.25", "--split-seed", split_seed, "-o", "iris.gnnb", "--force"},
                  {.directory = scratch.path().string(), .variables = {}, .input = ""});
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  };
  const auto on_copy = [&](std::vector<std::string> more, const std::map<std::string, std::string>& variables) {
    std::vector<std::string> words = {
        TENFOLD_BUILD_DIR "/bin/gnnbench", "train", "iris.gnnb", "--epochs", "6", "--hidden", "8", "-q", "-o", "copied"};
    words.insert(words.end(), more.begin(), more.end());
    return test::run(words, {.directory = scratch.path().string(), .variables = variables, .input = ""});
  };
  copy_of("1");
  REQUIRE(on_copy({}, {{"TENFOLD_STOP_AFTER", "3"}}).exit_code == 130);
  copy_of("2");
  refused(on_copy({"--resume"}, {}), 3, {"data"});
}

TEST_CASE("train: a plan above --memory is refused with its parts and with what would fit") {
  const Scratch scratch;
  refused(train({"--hidden", "200000", "--memory", "400000000", "-o", "run"}, scratch), 4,
          {"LibTorch", "features", "parameters", "--hidden", "--memory"});
  CHECK_FALSE(fs::exists(scratch.path() / "run/result.json"));
}

TEST_CASE("train: a target that is not reached ends with 4, the best value and its update; the result is there all the same") {
  const Scratch scratch;
  const test::Outcome outcome = train({"--target", "1", "--epochs", "2", "-o", "run"}, scratch);
  CHECK(outcome.exit_code == 4);
  const OrderedJson result = OrderedJson::parse(outcome.out)["result"];
  CHECK_FALSE(result["target"]["reached"].get<bool>());
  CHECK(result["target"]["tta_s"].is_null());
  CHECK(outcome.err.find("best validation accuracy was") != std::string::npos);
  CHECK(outcome.err.find("at update " + std::to_string(result["best"]["update"].get<int>())) != std::string::npos);
}

TEST_CASE("train: untrained weights that reach the target are no training, and the report says so") {
  const Scratch scratch;
  const test::Outcome outcome = train({"--target", "0.01", "--clock", "wall", "-o", "run"}, scratch);
  CHECK_MESSAGE(outcome.exit_code == 0, outcome.err);
  CHECK_MESSAGE(outcome.err.find("untrained weights reach the target 0.01: its time says nothing") != std::string::npos,
                outcome.err);
  const OrderedJson target = OrderedJson::parse(outcome.out)["result"]["target"];
  CHECK(target["reached"] == true);
  CHECK(target["update"] == 0);
  CHECK(target["tta_s"] == 0.0);  // whatever the wall clock showed by then
}

TEST_CASE("train: without nodes that validate the last weights are kept, and said to be") {
  const Scratch scratch;
  const test::Outcome outcome =
      train({"--split", "random:0.5,0,0.5", "--epochs", "40", "--lr", "0.05", "--patience", "3", "-o", "run"}, scratch);
  CHECK_MESSAGE(outcome.exit_code == 0, outcome.err);
  CHECK_MESSAGE(outcome.err.find("no node validates: the last weights are kept") != std::string::npos, outcome.err);
  const OrderedJson result = OrderedJson::parse(outcome.out)["result"];
  CHECK(result["best"]["update"] == 40);
  CHECK(result["best"]["val"].is_null());
  CHECK(result["best"]["test"] == result["curve"].back()["test"]);
  CHECK(result["best"]["test"].get<double>() > 0.8);  // untrained: about a third
  const test::Outcome predicted = test::run({TENFOLD_BUILD_DIR "/bin/gnnbench", "predict", "run"},
                                            {.directory = scratch.path().string(), .variables = {}, .input = ""});
  std::ostringstream said;
  said << std::fixed << std::setprecision(4) << result["best"]["test"].get<double>();
  CHECK_MESSAGE(predicted.err.find("nodes test: " + said.str()) != std::string::npos, predicted.err);
}

TEST_CASE("train: options that cannot act are named; those that act are not") {
  const Scratch scratch;
  const struct {
    std::vector<std::string> words;
    std::string says;
  } rows[] = {{{"--fanout", "3,2"}, "--fanout has no effect: sync draws no neighbours"},
              {{"--model", "gat", "--aggregator", "pool"}, "--aggregator has no effect: the model is gat"},
              {{"--bns-floor"}, "--bns-floor has no effect: sync leaves no boundary nodes out"},
              {{"--wd-scope", "first"}, "--wd-scope has no effect: there is no --wd"},
              {{"--system", "ns:5:5", "--fanout", "3"}, "--fanout has no effect: the system names its own"},
              {{"--system", "mlp", "--model", "gat"}, "--model has no effect: the system mlp is a model of its own"},
              {{"--system", "labelprop", "--lr", "0.5"}, "--lr has no effect: labelprop trains nothing"}};
  for (const auto& row : rows) {
    std::vector<std::string> words = row.words;
    words.insert(words.end(), {"--updates", "1", "-o", "run", "--force"});
    const test::Outcome outcome = train(words, scratch);
    CHECK_MESSAGE(outcome.exit_code == 0, outcome.err);
    CHECK_MESSAGE(outcome.err.find(row.says) != std::string::npos, outcome.err);
  }
  const test::Outcome acts = train({"--system", "ns", "--fanout", "3", "--batch", "16", "--model", "gat", "--heads", "2", "--wd",
                                    "0.1", "--wd-scope", "first", "--updates", "1", "-o", "other"},
                                   scratch);
  CHECK_MESSAGE(acts.err.find("no effect") == std::string::npos, acts.err);
}

TEST_CASE("compare: --target is a number or auto:f, as the manual says; idle options and repeated warnings stand once") {
  const Scratch scratch;
  const auto compare = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {TENFOLD_BUILD_DIR "/bin/gnnbench",
                                      "compare",
                                      "sample_data/gnn/iris.npz",
                                      "--systems",
                                      "sync,ns:5:5",
                                      "--seeds",
                                      "1",
                                      "--epochs",
                                      "3",
                                      "--hidden",
                                      "8",
                                      "--split",
                                      "random:0.5,0.5,0",
                                      "--comm",
                                      "inproc",
                                      "-q",
                                      "--format",
                                      "json",
                                      "-o",
                                      "cmp",
                                      "--force"};
    words.insert(words.end(), more.begin(), more.end());
    return test::run(words, {.directory = scratch.path().string(), .variables = {}, .input = ""});
  };
  const test::Outcome number = compare({"--target", "0.9999", "--bns-floor"});
  CHECK_MESSAGE(number.exit_code == 0, number.err);
  const OrderedJson envelope = OrderedJson::parse(number.out);
  CHECK(envelope["result"]["target"]["value"] == 0.9999);
  CHECK(envelope["result"]["target"]["rule"] == "0.9999");
  std::size_t tests = 0, idle = 0;
  for (const OrderedJson& warning : envelope["warnings"]) {
    tests += warning.get<std::string>().find("no node tests") != std::string::npos;
    idle += warning.get<std::string>().find("--bns-floor has no effect on any system") != std::string::npos;
    CHECK_MESSAGE(warning.get<std::string>().find("--batch") == std::string::npos, warning);
  }
  CHECK(tests == 1);
  CHECK(idle == 1);
  double children = 0;
  for (const OrderedJson& run : envelope["result"]["plan"]["runs"])
    children += OrderedJson::parse(read_file(scratch.path() / "cmp" / run["folder"].get<std::string>() / "result.json"))["cpu_s"]
                    .get<double>();
  CHECK(children > 0);
  CHECK(envelope["cpu_s"].get<double>() >= children);
  const test::Outcome rule = compare({"--target", "auto:0.5", "--strict"});
  CHECK(OrderedJson::parse(rule.out)["result"]["target"]["rule"] == "auto:0.5");
  refused(compare({"--target", "1.5"}), 2, {"--target 1.5"});
}

TEST_CASE("predict: data that came through a pipe are asked for") {
  const Scratch scratch;
  const std::string edges = read_file(TENFOLD_SOURCE_DIR "/sample_data/gnn/karate.csv");
  const std::string labels = TENFOLD_SOURCE_DIR "/sample_data/gnn/karate_labels.csv";
  const auto go = [&](std::vector<std::string> words, const std::string& input) {
    words.insert(words.begin(), TENFOLD_BUILD_DIR "/bin/gnnbench");
    return test::run(words, {.directory = scratch.path().string(), .variables = {}, .input = input});
  };
  const test::Outcome trained = go({"train", "-", "--labels", labels, "--features", "identity", "--split", "random:0.4,0.3,0.3",
                                    "--epochs", "2", "--hidden", "4", "-q", "-o", "run"},
                                   edges);
  REQUIRE_MESSAGE(trained.exit_code == 0, trained.err);
  refused(go({"predict", "run"}, ""), 2, {"its data came from standard input", "--data"});
  const test::Outcome piped = go({"predict", "run", "--data", "-", "--labels", labels, "--features", "identity"}, edges);
  CHECK_MESSAGE(piped.exit_code == 0, piped.err);
}

TEST_CASE("train: a loss that is not finite ends with 4, names the update, and keeps the last checkpoint") {
  const Scratch scratch;
  const test::Outcome outcome = train({"--lr", "1e30", "--epochs", "50", "--checkpoint-every", "1e-9", "-o", "run"}, scratch);
  refused(outcome, 4, {"update ", "not finite", "lower --lr"});
  CHECK(fs::exists(scratch.path() / "run/checkpoint/state.json"));
  CHECK_FALSE(fs::exists(scratch.path() / "run/result.json"));
}

TEST_CASE("train: without mpirun several workers are refused with 5, and the message says what to install") {
  const Scratch scratch;
  refused(train({"--system", "sync@2", "-o", "run"}, scratch, {{"PATH", "/nonexistent"}}), 5, {"mpirun", "install"});
}

TEST_CASE("train: a worker that is killed ends the run with 5 within ten seconds; nothing is left, and --resume goes on") {
  if (!can_launch()) return;
  const Scratch scratch;
  const std::vector<std::string> words = {"--system",     "sync@2", "--epochs",           "1000000", "--patience", "0",
                                          "--eval-every", "1000e",  "--checkpoint-every", "0.2",     "-o",         "run"};
  test::Outcome outcome;
  std::thread runner([&] { outcome = train(words, scratch); });
  const fs::path state = scratch.path() / "run/checkpoint/state.json";
  std::vector<int> workers;
  for (int i = 0; i < 1200 && workers.size() != 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (fs::exists(state)) workers = own_workers();
  }
  if (workers.size() != 2) runner.detach();
  REQUIRE(workers.size() == 2);
  const auto killed = std::chrono::steady_clock::now();
  kill(workers[1], SIGKILL);
  runner.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - killed).count();
  CHECK(seconds < 10);
  refused(outcome, 5, {"worker ", "was killed by signal 9", "--resume --out run goes on after update "});
  const auto alive = [&] { return std::any_of(workers.begin(), workers.end(), [](int pid) { return parent_of(pid) != 0; }); };
  for (int i = 0; i < 100 && alive(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the last one is being reaped
  CHECK_FALSE(alive());
  CHECK_FALSE(fs::exists(scratch.path() / "run/result.json"));
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(scratch.path() / "run"))
    CHECK_MESSAGE(entry.path().string().find(".tmp") == std::string::npos, entry.path().string());
  CHECK(OrderedJson::parse(read_file(state)).is_object());
  const test::Outcome resumed = train({"--resume", "-o", "run"}, scratch, {{"TENFOLD_STOP_AFTER", "5"}});
  CHECK_MESSAGE(resumed.exit_code == 130, resumed.err);
}
