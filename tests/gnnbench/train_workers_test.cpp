// Training by worker processes under Open MPI gives what worker threads give, to the bit: the program itself, on the karate club.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/process.h"
#include "cli/process.h"
#include "cli/scratch.h"
#include "data/json.h"

using namespace tenfold;
using test::Scratch;
namespace fs = std::filesystem;

namespace {

const fs::path kProgram = fs::path(TENFOLD_BUILD_DIR) / "bin" / "gnnbench";

bool can_train() {
  const fs::path module = fs::path(TENFOLD_BUILD_DIR) / "lib" / "tenfold" / "gnnbench-torch.so";
  const bool there = fs::exists(kProgram) && fs::exists(module) && !find_program("mpirun").empty();
  if (!there) MESSAGE("skipped: needs gnnbench with its torch part, and mpirun");
  return there;
}

test::Outcome train(const std::string& system, const std::string& comm, const std::string& folder, const Scratch& scratch,
                    const std::map<std::string, std::string>& variables = {}, bool resume = false) {
  const std::string samples = TENFOLD_SOURCE_DIR "/sample_data/gnn/";
  std::vector<std::string> words = {kProgram.string(),
                                    "train",
                                    samples + "karate.csv",
                                    "--labels",
                                    samples + "karate_labels.csv",
                                    "--features",
                                    "identity",
                                    "--split",
                                    "random:0.4,0.3,0.3",
                                    "--hidden",
                                    "8",
                                    "--batch",
                                    "5",
                                    "--epochs",
                                    "6",
                                    "--threads",
                                    "2",
                                    "--system",
                                    system,
                                    "--comm",
                                    comm,
                                    "-o",
                                    folder,
                                    "-q",
                                    "--format",
                                    "json"};
  if (resume) words.push_back("--resume");
  return test::run(words, {.directory = scratch.path().string(), .variables = variables, .input = ""});
}

Json result_of(const test::Outcome& outcome) {
  REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  return Json::parse(outcome.out)["result"];
}

}  // namespace

TEST_CASE("two processes and two threads train to the same weights, draws and bytes") {
  if (!can_train()) return;
  for (const std::string system : {"sync@2", "pipe@2", "bns:0.5@2", "ns@2"}) {
    CAPTURE(system);
    const Scratch scratch;
    const Json processes = result_of(train(system, "mpi", "mpi", scratch)),
               threads = result_of(train(system, "inproc", "inproc", scratch));
    CHECK(processes["system"]["transport"] == "mpi");
    CHECK(threads["system"]["transport"] == "inproc");
    for (const char* key : {"weights_digest", "curve_digest", "stream_digest", "bytes", "best"})
      CHECK(processes[key] == threads[key]);
    CHECK(processes["peak_bytes"].size() == 2);
    if (!system.starts_with("ns")) CHECK(processes["bytes"]["backward"] > 0);
  }
}

TEST_CASE("processes that were interrupted go on to the same bits") {
  if (!can_train()) return;
  const Scratch scratch;
  const Json whole = result_of(train("pipe@2", "mpi", "whole", scratch));
  const test::Outcome stopped = train("pipe@2", "mpi", "pieces", scratch, {{"TENFOLD_STOP_AFTER", "3"}});
  CHECK(stopped.exit_code == 130);
  const Json resumed = result_of(train("pipe@2", "mpi", "pieces", scratch, {}, true));
  for (const char* key : {"weights_digest", "curve_digest", "best"}) CHECK(resumed[key] == whole[key]);
}
