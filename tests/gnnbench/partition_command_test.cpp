// gnnbench partition and data generate on the binary: what they write, and what they refuse.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "cli/process.h"
#include "cli/scratch.h"
#include "data/npy.h"

using namespace tenfold;
using test::Scratch;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

test::Outcome gnnbench(std::vector<std::string> words, const Scratch& scratch) {
  words.insert(words.begin(), TENFOLD_BUILD_DIR "/bin/gnnbench");
  return test::run(words, {.directory = scratch.path().string(), .variables = {}, .input = ""});
}

Json result_of(const test::Outcome& outcome) {
  CHECK_MESSAGE(outcome.exit_code == 0, outcome.err);
  return outcome.exit_code == 0 ? Json::parse(outcome.out)["result"] : Json();
}

const std::vector<std::string> kKarate = {"sample_data/gnn/karate.csv", "--labels", "sample_data/gnn/karate_labels.csv"};

std::vector<std::string> with_karate(std::vector<std::string> words, std::vector<std::string> more) {
  words.insert(words.end(), kKarate.begin(), kKarate.end());
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void refused(const test::Outcome& outcome, int code, const std::string& message) {
  CHECK(outcome.exit_code == code);
  CHECK(outcome.out.empty());
  CHECK_MESSAGE(outcome.err.find(message) != std::string::npos, outcome.err);
}

}  // namespace

TEST_CASE("partition writes the parts that its counts and digest are about") {
  const Scratch scratch;
  const Json result = result_of(gnnbench(
      with_karate({"partition"}, {"-k", "2", "--widths", "16,3", "--split", "random:0.5,0.2,0.3", "-o", "parts"}), scratch));
  const data::NpyArray parts = data::NpyArray::map(scratch.path() / "parts/parts.npy");
  CHECK(parts.shape() == std::vector<std::int64_t>{34});
  CHECK(result["parts_digest"] == sha256_hex(parts.bytes()));
  std::vector<std::int64_t> sizes(2);
  for (const std::int32_t part : parts.view<std::int32_t>()) ++sizes.at(static_cast<std::size_t>(part));
  CHECK(result["sizes"].get<std::vector<std::int64_t>>() == sizes);
  CHECK(result["train_sizes"][0].get<int>() + result["train_sizes"][1].get<int>() == 17);
  CHECK(result["pair_rows"][0][0] == 0);
  CHECK(result["pair_rows"][0][1] == result["halo_sizes"][1]);
  CHECK(result["pair_rows"][1][0] == result["halo_sizes"][0]);
  CHECK(result["metis_objective"] == result["halo_rows"]);
  const auto halo = result["halo_rows"].get<std::int64_t>();
  CHECK(halo > 0);
  CHECK(result["halo_bytes"] == Json::parse("[{\"width\": 16, \"bytes\": " + std::to_string(halo * 64) +
                                            "}, {\"width\": 3, \"bytes\": " + std::to_string(halo * 12) + "}]"));
  CHECK(fs::exists(scratch.path() / "parts/report.html"));
}

TEST_CASE("the bytes of cora in four parts at width 16") {
  const char* named = std::getenv("TENFOLD_DATA");
  const fs::path cora = fs::path(named != nullptr && *named != '\0' ? named : TENFOLD_DATA_DEFAULT) / "graphs/cora.npz";
  if (!fs::exists(cora)) {
    MESSAGE("skipped: no " << cora.string());
    return;
  }
  const Scratch scratch;
  const Json result = result_of(gnnbench({"partition", cora.string(), "-k", "4", "--widths", "16"}, scratch));
  CHECK(result["halo_rows"] == 444);
  CHECK(result["halo_bytes"][0]["bytes"] == 28'416);
}

TEST_CASE("one part has no halo, and METIS is not asked") {
  const Scratch scratch;
  const Json result = result_of(gnnbench(with_karate({"partition"}, {"-k", "1"}), scratch));
  CHECK(result["method"] == "none");
  CHECK(result["metis_objective"].is_null());
  CHECK(result["halo_rows"] == 0);
  CHECK(result["cut_edges"] == 0);
}

TEST_CASE("partition refuses what cannot be") {
  const Scratch scratch;
  refused(gnnbench(with_karate({"partition"}, {"-k", "35"}), scratch), 2,
          "cannot make 35 parts of 34 nodes; at most as many as nodes");
  refused(gnnbench(with_karate({"partition"}, {"-k", "0"}), scratch), 2, "--parts");
  refused(gnnbench(with_karate({"partition"}, {"--widths", "16,x"}), scratch), 2, "--widths: x is not a number of columns");
  refused(gnnbench(with_karate({"partition"}, {"--partition", "metsi"}), scratch), 2, "metis");
  CHECK_FALSE(fs::exists(scratch.path() / "gnnbench-run"));
}

TEST_CASE("a generated folder is the same for any number of threads, opens as data, and is partitioned") {
  const Scratch scratch;
  const std::vector<std::string> rule = {"data", "generate",   "--kind", "dcsbm",  "--nodes",
                                         "3000", "--features", "9",      "--seed", "5"};
  std::vector<std::string> one = rule, two = rule;
  one.insert(one.end(), {"--threads", "1", "-o", "one.gnnb"});
  two.insert(two.end(), {"--threads", "3", "-o", "two.gnnb"});
  const Json first = result_of(gnnbench(one, scratch)), second = result_of(gnnbench(two, scratch));
  CHECK(first["digest"] == second["digest"]);
  CHECK(test::tree(scratch.path() / "one.gnnb") == test::tree(scratch.path() / "two.gnnb"));
  CHECK(first["nodes"] == 3000);
  const Json info = result_of(gnnbench({"data", "info", "one.gnnb"}, scratch));
  CHECK(info["digest"] == first["digest"]);
  for (const char* fact : {"name", "n", "nnz", "raw_edges", "duplicates", "self_loops", "asymmetric", "isolated", "max_degree",
                           "homophily", "features", "density", "classes", "class_sizes", "unlabelled", "split"}) {
    CAPTURE(fact);
    CHECK(info[fact] == first["info"][fact]);
  }
  CHECK(result_of(gnnbench({"partition", "one.gnnb", "-k", "3"}, scratch))["data"]["digest"] == first["digest"]);
}

TEST_CASE("data generate refuses what cannot be, and leaves nothing") {
  const Scratch scratch;
  refused(gnnbench({"data", "generate", "--nodes", "0", "-o", "g"}, scratch), 2, "--nodes");
  refused(gnnbench({"data", "generate", "--nodes", "2147483648", "-o", "g"}, scratch), 2,
          "--nodes: 2147483648 is not in 1 .. 2^31 - 1");
  refused(gnnbench({"data", "generate", "--kind", "dcsbn", "-o", "g"}, scratch), 2, "dcsbm");
  refused(gnnbench({"data", "generate", "--split", "given", "-o", "g"}, scratch), 2, "--split given");
  refused(gnnbench({"data", "generate", "--split", "random:0.9,0.9,0.9", "-o", "g"}, scratch), 2, "--split");
  CHECK_FALSE(fs::exists(scratch.path() / "g"));
}

TEST_CASE("partition: what stops it leaves 130 and no parts, and a former run's stay") {
  const Scratch scratch;
  const auto stopped = [&](std::vector<std::string> words, test::Launch launch) {
    words.insert(words.begin(), {TENFOLD_BUILD_DIR "/bin/gnnbench", "partition"});
    launch.directory = scratch.path().string();
    const test::Outcome outcome = test::run(words, launch);
    CHECK_MESSAGE(outcome.exit_code == 130, outcome.err);
    CHECK(outcome.err.find("interrupted") != std::string::npos);
    CHECK(outcome.out.empty());
  };
  const std::map<std::string, std::string> after_metis = {{"TENFOLD_STOP_AFTER", "1"}};
  std::vector<std::string> karate = kKarate;
  karate.insert(karate.end(), {"-k", "2", "-o", "parts"});
  stopped(karate, {.directory = {}, .variables = after_metis, .input = ""});
  CHECK_FALSE(fs::exists(scratch.path() / "parts/parts.npy"));
  CHECK(gnnbench(with_karate({"partition"}, {"-k", "3", "-o", "three"}), scratch).exit_code == 0);
  const std::string before = test::slurp(scratch.path() / "three/parts.npy");
  karate = kKarate;
  karate.insert(karate.end(), {"-k", "2", "--force", "-o", "three"});
  stopped(karate, {.directory = {}, .variables = after_metis, .input = ""});
  CHECK(test::slurp(scratch.path() / "three/parts.npy") == before);

  // In the midst of METIS, which would need a minute.
  CHECK(gnnbench({"data", "generate", "--kind", "rmat", "--nodes", "100000", "--features", "1", "-o", "large.gnnb"}, scratch)
            .exit_code == 0);
  stopped({"large.gnnb", "-k", "2000", "-o", "large"},
          {.directory = {}, .variables = {}, .input = "", .closed_output = false, .signal = SIGTERM, .signal_after_s = 2});
  CHECK_FALSE(fs::exists(scratch.path() / "large/parts.npy"));
}

TEST_CASE("partition: parts without nodes, as METIS makes them, are warned of") {
  const Scratch scratch;
  scratch.file("pairs.txt", "0 1\n2 3\n");
  const test::Outcome outcome = gnnbench({"partition", "pairs.txt", "-k", "4", "-o", "parts", "--format", "json"}, scratch);
  const Json result = result_of(outcome);
  const auto sizes = result["sizes"].get<std::vector<std::int64_t>>();
  const auto empty = std::count(sizes.begin(), sizes.end(), 0);
  CHECK((outcome.err.find("have no nodes") != std::string::npos) == (empty > 0));
  CHECK(empty > 0);
}
