// Data that cannot be trained on, through train on the binary: exit code 3, and where and what it is; and the memory plan, whose
// advice is taken as it stands. Archives are in data_commands_test, options in bad_input_test.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/process.h"
#include "cli/scratch.h"

using namespace tenfold;
using test::Scratch;
using OrderedJson = nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

test::Outcome train(std::vector<std::string> words, const Scratch& scratch) {
  words.insert(words.begin(), {TENFOLD_BUILD_DIR "/bin/gnnbench", "train"});
  words.insert(words.end(), {"-q", "--format", "json", "--epochs", "2"});
  return test::run(words, {.directory = scratch.path().string(), .variables = {}, .input = ""});
}

void refused(const test::Outcome& outcome, int code, const std::string& gist) {
  CHECK_MESSAGE(outcome.exit_code == code, outcome.err);
  CHECK(outcome.out.empty());
  CHECK_MESSAGE(outcome.err.find(gist) != std::string::npos, gist << " in " << outcome.err);
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// What stands between two pieces of the error line.
std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const std::size_t from = text.find(before);
  REQUIRE_MESSAGE(from != std::string::npos, before << " in " << text);
  const std::size_t to = text.find(after, from + before.size());
  REQUIRE_MESSAGE(to != std::string::npos, after << " in " << text);
  return text.substr(from + before.size(), to - from - before.size());
}

}  // namespace

TEST_CASE("train: each fault of a data set ends with 3, its file, line and value, and leaves no run behind") {
  const Scratch scratch;
  const struct {
    const char* edges;
    const char* labels;
    const char* features;  // empty: none
    std::vector<std::string> more;
    const char* says;
  } rows[] = {
      {"0 1\n1 -2\n", "0\n1\n0\n", "", {}, "e.txt:2: node id -2 is negative"},
      {"0 1\n1 5\n", "0\n1\n0\n", "", {}, "e.txt:2: node id 5 is too large, n is 3"},
      {"0 1\n1 2 7\n", "0\n1\n0\n", "", {}, "e.txt:2: 3 columns where line 1 has 2"},
      {"0 1\n1 2\n", "0\n1\n0\n", "1,2\n3,4\n5,6\n7,8\n", {}, "x.csv:4: 4 rows of features, n is 3"},
      {"0 1\n1 2\n", "0\n1\n0\n", "1,2\n3\n5,6\n", {}, "x.csv:2: 1 column where line 1 has 2"},
      {"0 1\n1 2\n", "0\n1\n0\n", "1,2\n3,nan\ninf,6\n", {}, "row 1, column 1 (from 0) is NaN, and 1 more"},
      {"0 1\n1 2\n", "0\n-2\n0\n", "", {}, "y.csv:2: label -2"},
      {"0 1\n1 2\n", "0\n3\n0\n", "", {}, "y.csv:2: label 3"},
      {"0 1\n1 2\n", "0 1 1\n1 0 0\n0 0 1\n", "", {}, "several labels a node"},
      {"", "0\n1\n0\n", "", {}, "an empty graph"},
      {"0 1\n1 2\n", "-1\n-1\n-1\n", "", {}, "label"},
      {"0 1\n1 2\n", "0\n1\n0\n", "", {"--split", "random:0.1,0.5,0.4"}, "train"},
  };
  for (const auto& row : rows) {
    INFO(row.says);
    scratch.file("e.txt", row.edges);
    scratch.file("y.csv", row.labels);
    scratch.file("x.csv", row.features);
    std::vector<std::string> words = {"e.txt", "--labels", "y.csv", "-o", "run"};
    if (row.features[0] != '\0')
      words.insert(words.end(), {"--node-features", "x.csv"});
    else
      words.insert(words.end(), {"--features", "degree"});
    if (row.more.empty()) words.insert(words.end(), {"--split", "random:0.4,0.3,0.3"});
    words.insert(words.end(), row.more.begin(), row.more.end());
    refused(train(words, scratch), 3, row.says);
    CHECK_FALSE(fs::exists(scratch.path() / "run/result.json"));
  }
  scratch.file("e.txt", "0 1\n1 2\n");
  scratch.file("y.csv", "0\n1\n0\n");
  refused(train({"e.txt", "--labels", "y.csv", "--split", "random:0.4,0.3,0.3", "-o", "run"}, scratch), 3, "--features");
  refused(train({"e.txt", "--features", "degree", "-o", "run"}, scratch), 3, "--labels");
  refused(train({"e.txt", "--labels", "y.csv", "--features", "degree", "-o", "run"}, scratch), 3, "--split");
}

TEST_CASE("train: a class that trains nowhere is warned of, and the run goes on") {
  const Scratch scratch;
  scratch.file("e.txt", "0 1\n1 2\n2 3\n3 4\n");
  scratch.file("y.csv", "0\n0\n0\n0\n1\n");
  bool warned = false;
  for (int seed = 1; seed < 4 && !warned; ++seed) {
    const test::Outcome outcome = train({"e.txt", "--labels", "y.csv", "--features", "degree", "--split", "random:0.2,0.4,0.4",
                                         "--split-seed", std::to_string(seed), "--force", "-o", "run"},
                                        scratch);
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    const std::string warnings = OrderedJson::parse(outcome.out)["warnings"].dump();
    warned = warnings.find("class") != std::string::npos && outcome.err.find("class") != std::string::npos;
  }
  CHECK(warned);
}

TEST_CASE("train: the setting that a plan above --memory names is let through as typed, and the next larger one is not") {
  const Scratch scratch;
  const struct {
    std::vector<std::string> words;
    const char* option;  // named in the advice
  } rows[] = {
      {{"--hidden", "200000"}, "--hidden "},
      {{"--model", "gat", "--heads", "8", "--hidden", "160000"}, "--hidden "},
      {{"--system", "sync+hidden=200000"}, "--system "},
      {{"--system", "ns:5:5", "--hidden", "200000"}, "--hidden "},
      {{"--system", "sync@2", "--comm", "inproc", "--hidden", "200000"}, "--hidden "},
  };
  int run = 0;
  for (const auto& row : rows) {
    const auto with = [&](std::vector<std::string> words) {
      const std::vector<std::string> fixed = {
          "sample_data/gnn/iris.npz",   "--split", "random:0.5,0.25,0.25", "--memory", "400000000", "-o",
          "run" + std::to_string(++run)};
      words.insert(words.begin(), fixed.begin(), fixed.end());
      return train(words, scratch);
    };
    const test::Outcome outcome = with(row.words);
    refused(outcome, 4, " fits, --memory ");
    CHECK(outcome.err.find("LibTorch ") != std::string::npos);
    const std::string advice = row.option + between(outcome.err, std::string("; ") + row.option, " fits");
    INFO(advice);
    // In place of the option that was too large.
    std::vector<std::string> smaller;
    for (std::size_t i = 0; i < row.words.size(); i += 2)
      if (row.words[i] + " " != row.option) smaller.insert(smaller.end(), {row.words[i], row.words[i + 1]});
    std::vector<std::string> typed = smaller, larger = smaller;
    for (const std::string& word : words_of(advice)) typed.push_back(word);
    const test::Outcome taken = with(typed);
    CHECK_MESSAGE(taken.exit_code == 0, taken.err);
    const std::size_t digits = advice.find_last_not_of("0123456789") + 1;
    const int step = row.words[1] == "gat" ? 8 : 1;
    for (const std::string& word : words_of(advice.substr(0, digits) + std::to_string(std::stoll(advice.substr(digits)) + step)))
      larger.push_back(word);
    refused(with(larger), 4, "are allowed");
    // And so is the other way out.
    const std::string memory = between(outcome.err, "--memory ", " allows");
    CHECK(std::stoull(memory) > 400000000u);
  }
}

TEST_CASE("train: where nothing smaller fits the plan says so and how much it takes") {
  const Scratch scratch;
  const test::Outcome outcome =
      train({"sample_data/gnn/iris.npz", "--split", "random:0.5,0.25,0.25", "--memory", "1000000", "-o", "run"}, scratch);
  refused(outcome, 4, "no smaller width or batch fits, --memory ");
  const std::string memory = between(outcome.err, "--memory ", " allows");
  CHECK(train({"sample_data/gnn/iris.npz", "--split", "random:0.5,0.25,0.25", "--memory", memory, "-o", "again"}, scratch)
            .exit_code == 0);
}
