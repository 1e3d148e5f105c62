// Recorded draws on the binary: used in place of drawing they give the same bits; draws of something else are refused with their
// line; others that could have been drawn lead elsewhere.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
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

test::Outcome train(const std::string& system, std::vector<std::string> more, const Scratch& scratch,
                    const std::map<std::string, std::string>& variables = {}, const std::string& input = "") {
  const std::string samples = TENFOLD_SOURCE_DIR "/sample_data/gnn/";
  std::vector<std::string> words = {TENFOLD_BUILD_DIR "/bin/gnnbench",
                                    "train",
                                    samples + "karate.csv",
                                    "--labels",
                                    samples + "karate_labels.csv",
                                    "-q",
                                    "--format",
                                    "json"};
  const auto given = [&](const std::string& option) { return std::find(more.begin(), more.end(), option) != more.end(); };
  const std::vector<std::pair<std::string, std::string>> usual = {{"--features", "identity"}, {"--split", "random:0.4,0.3,0.3"},
                                                                  {"--hidden", "8"},          {"--batch", "5"},
                                                                  {"--epochs", "6"},          {"--comm", "inproc"},
                                                                  {"--system", system}};
  for (const auto& [option, value] : usual)
    if (!given("--resume") && !given(option)) words.insert(words.end(), {option, value});
  words.insert(words.end(), more.begin(), more.end());
  return test::run(words, {.directory = scratch.path().string(), .variables = variables, .input = input});
}

OrderedJson result_of(const test::Outcome& outcome) {
  REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  return OrderedJson::parse(outcome.out)["result"];
}

void check_same(const OrderedJson& a, const OrderedJson& b) {
  for (const char* key : {"weights_digest", "curve_digest", "stream_digest", "best"}) CHECK_MESSAGE(a[key] == b[key], key);
  // A replayed cluster needs no parts, which are told at set-up.
  for (const char* key : {"forward", "backward", "allreduce", "feature_fetch"})
    CHECK_MESSAGE(a["bytes"][key] == b["bytes"][key], key);
}

void refused(const test::Outcome& outcome, int code, const std::vector<std::string>& messages) {
  CHECK_MESSAGE(outcome.exit_code == code, outcome.err);
  for (const std::string& message : messages)
    CHECK_MESSAGE(outcome.err.find(message) != std::string::npos, message << " in " << outcome.err);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The file with line `number` (from 1) changed.
using Change = std::function<void(OrderedJson&)>;
std::string changed(const std::string& text, std::size_t number, const Change& change) {
  std::vector<std::string> lines = lines_of(text);
  OrderedJson line = OrderedJson::parse(lines.at(number - 1));
  change(line);
  lines[number - 1] = line.dump();
  std::string out;
  for (const std::string& l : lines) out += l + "\n";
  return out;
}

// gcn's weights are of the draw, too.
const std::vector<std::string> kSystems = {"ns:3:2",        "labor:3:2+model=gcn", "cluster:4:2",           "ns:3:2@2+model=gcn",
                                           "cluster:6:1@2", "bns:0.3@3",           "bns:0.5@2+bns-floor=on"};

}  // namespace

TEST_CASE("replayed draws give the same weights, curve, digests, bytes and dumped updates, and are recorded alike") {
  for (const std::string& system : kSystems) {
    CAPTURE(system);
    const Scratch scratch;
    const OrderedJson drawn = result_of(train(system, {"--record-draws", "--dump-updates", "3", "-o", "drawn"}, scratch));
    const OrderedJson replayed = result_of(
        train(system, {"--replay-draws", "drawn/draws.jsonl", "--record-draws", "--dump-updates", "3", "-o", "again"}, scratch));
    check_same(drawn, replayed);
    for (const char* file : {"draws.jsonl", "dump/update_0.safetensors", "dump/update_2.safetensors"})
      CHECK_MESSAGE(read_file(scratch.path() / "drawn" / file) == read_file(scratch.path() / "again" / file), file);
    // Recording changes nothing, and another seed's draws are other ones.
    check_same(drawn, result_of(train(system, {"-o", "plain"}, scratch)));
    const OrderedJson elsewhere = result_of(train(system, {"--seed", "2", "-o", "seed2"}, scratch));
    CHECK(elsewhere["stream_digest"] != drawn["stream_digest"]);
    // Of the draws alone: the seed still initialises.
    const OrderedJson mixed =
        result_of(train(system, {"--seed", "2", "--replay-draws", "drawn/draws.jsonl", "-o", "mixed"}, scratch));
    CHECK(mixed["stream_digest"] == drawn["stream_digest"]);
    CHECK(mixed["weights_digest"] != drawn["weights_digest"]);
    CHECK(mixed["model"]["init_digest"] == elsewhere["model"]["init_digest"]);
  }
}

TEST_CASE("an interrupted run records and replays on; one worker reads standard input, too") {
  const Scratch scratch;
  for (const std::string system : {"ns:3:2", "bns:0.5@2"}) {
    CAPTURE(system);
    const bool one = system == "ns:3:2";
    const std::string whole = one ? "whole1" : "whole2", pieces = one ? "pieces1" : "pieces2", again = one ? "again1" : "again2";
    const OrderedJson expected = result_of(train(system, {"--record-draws", "-o", whole}, scratch));
    const std::map<std::string, std::string> stop = {{"TENFOLD_STOP_AFTER", "3"}};
    REQUIRE(train(system, {"--record-draws", "-o", pieces}, scratch, stop).exit_code == 130);
    // What a killed process wrote after its checkpoint is drawn anew.
    append_line_locked(scratch.path() / pieces / "draws.jsonl", "{\"update\": 3, \"wor");
    check_same(expected, result_of(train(system, {"--resume", "-o", pieces}, scratch)));
    const std::string draws = read_file(scratch.path() / whole / "draws.jsonl");
    CHECK(read_file(scratch.path() / pieces / "draws.jsonl") == draws);
    REQUIRE(train(system, {"--replay-draws", whole + "/draws.jsonl", "-o", again}, scratch, stop).exit_code == 130);
    check_same(expected, result_of(train(system, {"--resume", "-o", again}, scratch)));
    if (one)
      check_same(expected, result_of(train(system, {"--replay-draws", "-", "-o", "stdin"}, scratch, {}, draws)));
    else
      refused(train(system, {"--replay-draws", "-", "-o", "stdin2"}, scratch, {}, draws), 2, {"standard input", "give a file"});
  }
}

TEST_CASE("worker processes record what worker threads do, and replay it") {
  if (find_program("mpirun").empty()) {
    MESSAGE("skipped: needs mpirun");
    return;
  }
  const Scratch scratch;
  for (const std::string system : {"bns:0.5@2", "ns:3:2@2"}) {
    const std::string name = system.substr(0, 2);
    const OrderedJson threads = result_of(train(system, {"--record-draws", "-o", name + "-threads"}, scratch));
    check_same(threads, result_of(train(system, {"--comm", "mpi", "--record-draws", "-o", name + "-mpi"}, scratch)));
    CHECK(read_file(scratch.path() / (name + "-mpi/draws.jsonl")) == read_file(scratch.path() / (name + "-threads/draws.jsonl")));
    check_same(threads,
               result_of(train(system, {"--comm", "mpi", "--replay-draws", name + "-threads/draws.jsonl", "-o", name}, scratch)));
  }
}

TEST_CASE("systems that draw neither nodes nor edges are refused by name") {
  const Scratch scratch;
  write_file_atomic(scratch.path() / "draws.jsonl", "{\"schema\": \"tenfold.gnnbench.draws/1\"}\n");
  for (const std::string system : {"sync", "pipe@2", "mlp", "labelprop", "bns:0.5"})
    for (const std::vector<std::string>& option :
         {std::vector<std::string>{"--record-draws"}, std::vector<std::string>{"--replay-draws", "draws.jsonl"}}) {
      std::vector<std::string> words = option;
      words.insert(words.end(), {"-o", "run"});
      refused(train(system, words, scratch), 2, {option[0], system.substr(0, system.find_first_of(":@")), "draws n"});
    }
  refused(train("labelprop", {"--explain", "-o", "run"}, scratch), 2, {"--explain", "labelprop"});
}

TEST_CASE("draws of other data, of another system, and lines that could not have been drawn are refused with 3 and their line") {
  const Scratch scratch;
  std::map<std::string, std::string> files;
  for (const std::string system : {"ns:3:2", "labor:3:2", "cluster:4:2", "bns:0.5@2"}) {
    const std::string name = system.substr(0, system.find(':'));
    REQUIRE(train(system, {"--record-draws", "-o", name}, scratch).exit_code == 0);
    files[name] = read_file(scratch.path() / name / "draws.jsonl");
  }
  const auto replay = [&](const std::string& system, const std::string& text, std::vector<std::string> more = {}) {
    write_file_atomic(scratch.path() / "t.jsonl", text);
    more.insert(more.end(), {"--replay-draws", "t.jsonl", "--force", "-o", "replay"});
    return train(system, more, scratch);
  };
  refused(replay("ns:3:2", files["ns"], {"--split-seed", "2"}), 3, {"t.jsonl:1: ", "data_digest"});
  refused(replay("ns:3:3", files["ns"]), 3, {"t.jsonl:1: ", "\"ns:3:2\", here \"ns:3:3\""});
  refused(replay("labor:3:2", files["ns"]), 3, {"t.jsonl:1: ", "system"});
  refused(replay("ns:3:2@2", files["ns"]), 3, {"t.jsonl:1: ", "system"});
  refused(replay("ns:3:2", files["ns"], {"--batch", "4"}), 3, {"t.jsonl:1: ", "batch"});
  refused(replay("ns:3:2", files["ns"], {"--self-loops", "off"}), 3, {"t.jsonl:1: ", "self_loops"});
  refused(replay("bns:0.4@2", files["bns"]), 3, {"t.jsonl:1: ", "system"});
  refused(replay("bns:0.5@2", files["bns"], {"--partition", "range"}), 3, {"t.jsonl:", "boundary"});
  refused(replay("ns:3:2", files["ns"], {"--epochs", "7"}), 3, {"ends before it", "--updates 18"});
  refused(replay("ns:3:2", ""), 3, {"t.jsonl:1: ", "header"});
  refused(replay("ns:3:2", "{}\n"), 3, {"t.jsonl:1: ", "header"});
  refused(replay("ns:3:2", "[1]\n"), 3, {"t.jsonl:1: ", "header"});
  refused(train("ns:3:2", {"--replay-draws", "none.jsonl", "-o", "none"}, scratch), 3, {"none.jsonl"});

  const struct {
    const char* file;
    std::size_t line;
    Change change;
    const char* says;
  } rows[] = {
      {"ns", 3, [](OrderedJson& l) { l["src"][0] = 34; }, "34 in \"src\" is no node"},
      {"ns", 3, [](OrderedJson& l) { l["src"][0] = -1; }, "-1 in \"src\" is no node"},
      {"ns", 3, [](OrderedJson& l) { l["src"][0] = l["src"][1]; }, "stands there twice"},
      {"ns", 3, [](OrderedJson& l) { l["dst"].erase(0); }, "in dst"},
      {"ns", 3, [](OrderedJson& l) { l["dst"].erase(0), l["src"].erase(0); }, "where there must be 3"},
      {"ns", 3, [](OrderedJson& l) { l["hop"] = 3; }, "from 1 to 2"},
      {"ns", 3, [](OrderedJson& l) { l["hop"] = 2; }, "stand there twice"},
      {"ns", 3, [](OrderedJson& l) { l["worker"] = 1; }, "worker's number"},
      {"ns", 3, [](OrderedJson& l) { l["update"] = "0"; }, "whole number"},
      {"ns", 3, [](OrderedJson& l) { l["src"] = 3; }, "list of nodes"},
      {"ns", 2, [](OrderedJson& l) { l["seeds"][0] = l["seeds"][1]; }, "is a seed twice"},
      {"ns", 8, [](OrderedJson& l) { l["update"] = 0; }, "updates must ascend"},
      {"labor", 3, [](OrderedJson& l) { l["dst"][0] = 40; }, "no node"},
      {"cluster", 2, [](OrderedJson& l) { l["nodes"][0] = l["nodes"][1]; }, "stands there twice"},
      {"cluster", 2, [](OrderedJson& l) { l.erase("nodes"); }, "list of nodes"},
      {"bns", 2, [](OrderedJson& l) { l["keep"].erase(0); }, "where there must be"},
      {"bns", 2, [](OrderedJson& l) { l["keep"][0] = l["keep"][1]; }, "stands there twice"},
      {"bns", 3, [](OrderedJson& l) { l["from"] = 0, l["to"] = 1; }, "stand there twice"},
      {"bns", 3, [](OrderedJson& l) { l["from"] = 2; }, "worker's number"},
  };
  const std::map<std::string, std::string> systems = {
      {"ns", "ns:3:2"}, {"labor", "labor:3:2"}, {"cluster", "cluster:4:2"}, {"bns", "bns:0.5@2"}};
  for (const auto& row : rows) {
    INFO(row.file, " line ", row.line, ": ", row.says);
    refused(replay(systems.at(row.file), changed(files[row.file], row.line, row.change)), 3, {"t.jsonl", row.says});
  }
  refused(replay("ns:3:2", files["ns"] + "{\"update\": 18, "), 3, {"t.jsonl:56: ", "not a JSON object"});
  // A seed as its own neighbour is the loop, once; node 9's only neighbours are 2 and 33, and 9 is a neighbour of those alone.
  const auto to_nine = [](OrderedJson& l) { l["src"][0] = l["dst"][0] == 2 || l["dst"][0] == 33 ? 25 : 9; };
  refused(replay("ns:3:2", changed(files["ns"], 3, to_nine)), 3, {"t.jsonl:3: update 0: the graph has no edge from"});
}

TEST_CASE("other draws that could be lead to other weights; a file without header keys and workers is enough") {
  const Scratch scratch;
  const OrderedJson drawn = result_of(train("ns:3:2", {"--record-draws", "-o", "drawn"}, scratch));
  const std::string text = read_file(scratch.path() / "drawn/draws.jsonl");

  // The edges in another order, all that may be left out left out.
  std::vector<std::string> lines = lines_of(text);
  std::string bare = "{\"schema\": \"tenfold.gnnbench.draws/1\"}\n";
  for (std::size_t i = 1; i < lines.size(); ++i) {
    OrderedJson line = OrderedJson::parse(lines[i]);
    line.erase("worker");
    if (line.contains("dst")) {
      std::reverse(line["dst"].begin(), line["dst"].end());
      std::reverse(line["src"].begin(), line["src"].end());
    }
    bare += line.dump() + "\n";
  }
  write_file_atomic(scratch.path() / "bare.jsonl", bare);
  check_same(drawn, result_of(train("ns:3:2", {"--replay-draws", "bare.jsonl", "-o", "bare"}, scratch)));

  // Another seed's.
  const OrderedJson other = result_of(train("ns:3:2", {"--seed", "9", "--record-draws", "-o", "other"}, scratch));
  const OrderedJson taken = result_of(train("ns:3:2", {"--replay-draws", "other/draws.jsonl", "-o", "taken"}, scratch));
  CHECK(taken["stream_digest"] == other["stream_digest"]);
  CHECK(taken["model"]["init_digest"] == drawn["model"]["init_digest"]);
  CHECK(taken["weights_digest"] != drawn["weights_digest"]);
}

TEST_CASE("explain says of each layer what it does, how long it takes and what it sends") {
  const Scratch scratch;
  for (const std::string system : {"sync", "sync@2", "ns:3:2", "mlp"}) {
    CAPTURE(system);
    const std::string folder = system == "sync@2" ? "two" : system.substr(0, 2);
    const OrderedJson plain = result_of(train(system, {"-o", folder + "-plain"}, scratch));
    const OrderedJson result = result_of(train(system, {"--explain", "-o", folder}, scratch));
    check_same(plain, result);  // looking on changes nothing
    CHECK(plain["explain"].is_null());
    const OrderedJson& explain = result["explain"];
    CHECK(explain["updates"] == result["updates"]);
    REQUIRE(explain["layers"].size() == 2);
    const OrderedJson &first = explain["layers"][0], &last = explain["layers"][1];
    CHECK(first["width_in"] == 34);
    CHECK(last["width_in"] == 8);
    CHECK(last["rows_in"] == (system == "mlp" || system == "sync" ? OrderedJson(34.0) : last["rows_in"]));
    for (const OrderedJson& layer : explain["layers"])
      for (const char* pass : {"forward", "backward"}) {
        CHECK(layer[pass]["flops"] > 0);
        CHECK(layer[pass]["time_s"] > 0);
        CHECK(layer[pass]["fraction_of_limit"] > 0);
      }
    // Layer 0's rows are constant and do not travel; of the exchanged layer both workers' rows do.
    CHECK(first["forward"]["exchanged_bytes"] == 0);
    if (system == "sync@2") {
      const double sent = last["forward"]["exchanged_bytes"].get<double>() + last["backward"]["exchanged_bytes"].get<double>();
      const double updates = result["updates"].get<double>();
      // Symmetric graph, two workers: what rank 0 sends forward rank 1 sends backward, and the reverse.
      CHECK(2 * sent * updates == result["bytes"]["forward"].get<double>() + result["bytes"]["backward"].get<double>());
      CHECK(sent > 0);
    }
    if (system == "sync") {
      CHECK(first["edges"] == 156 + 34);
      // The hidden layer's input wants a gradient, too.
      CHECK(last["backward"]["flops"] > last["forward"]["flops"]);
    }
  }
}
