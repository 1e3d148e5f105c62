// gnnbench data sample: its lines are the sampler's draws, and what cannot be drawn is said in one line.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/process.h"
#include "cli/scratch.h"
#include "gnnbench/random_graph.h"
#include "gnnbench/sampler.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

const std::string kProgram = std::string(TENFOLD_BUILD_DIR) + "/bin/gnnbench";
using Line = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>;  // draw, hop, dst, src

std::vector<Line> lines_of(const std::string& text) {
  std::vector<Line> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    REQUIRE(json.size() == 4);
    lines.emplace_back(json["draw"], json["hop"], json["dst"], json["src"]);
  }
  return lines;
}

struct GraphFile {
  test::Scratch scratch;
  Csr graph;
  GraphFile() {
    std::vector<Edge> edges;
    const Csr drawn = random_graph(40, 0.3, 9);
    for (NodeId v = 0; v < 40; ++v)
      for (const NodeId u : drawn.view().row(v)) edges.push_back({u, v});
    graph = build_graph(40, edges, Direction::symmetric).csr;
    std::ofstream out(scratch.path() / "graph.txt");
    for (const Edge& e : edges) out << e.source << ' ' << e.target << '\n';
  }
  test::Outcome run(std::vector<std::string> options) const {
    std::vector<std::string> words = {kProgram, "data", "sample", "graph.txt", "-q"};
    words.insert(words.end(), options.begin(), options.end());
    return test::run(words, {.directory = scratch.path().string(), .variables = {}, .input = ""});
  }
};

}  // namespace

TEST_CASE("lines are the draws of updates 0, 1, .. for these seeds") {
  const GraphFile file;
  const std::vector<NodeId> seeds = {3, 17};
  for (const bool loop : {true, false}) {
    for (const bool labor : {false, true}) {
      const SamplerContext context{.graph = file.graph.view(), .added_self_loop = loop, .key = {7}};
      const auto sampler = labor ? make_labor(context, {2, 3}) : make_ns(context, {2, 3});
      std::vector<Line> expected;
      for (std::uint32_t draw = 0; draw < 3; ++draw) {
        const MiniBatch batch = sampler->sample(draw, seeds);
        for (int hop = 1; hop <= 2; ++hop) {
          const Block& block = batch.blocks[static_cast<std::size_t>(2 - hop)];
          for (std::int64_t v = 0; v < block.destinations; ++v)
            for (const NodeId u : block.view().row(v))
              expected.emplace_back(draw, hop, block.sources[static_cast<std::size_t>(v)],
                                    block.sources[static_cast<std::size_t>(u)]);
        }
      }
      const auto outcome = file.run({"--system", labor ? "labor:2:3" : "ns:2:3", "--nodes", "3,17", "--draws", "3", "--seed", "7",
                                     "--self-loops", loop ? "on" : "off"});
      REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
      CHECK(lines_of(outcome.out) == expected);
    }
  }
}

TEST_CASE("what cannot be drawn is said in one line") {
  const GraphFile file;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--nodes", ""}, "--nodes: none named"},
      {{"--nodes", "40"}, "0 to 39"},
      {{"--nodes", "-1"}, "-1"},
      {{"--nodes", "3,3"}, "3 stands twice"},
      {{"--nodes", "x"}, "--nodes x"},
      {{"--system", "ns:0"}, "fanout 0"},
      {{"--system", "nss:2"}, "did you mean ns"},
      {{"--system", "cluster:2"}, "cluster:2"},
      {{"--system", "ns:2@4"}, "ns:2@4"},
      {{"--draws", "0"}, "--draws"},
  };
  for (const auto& [options, says] : cases) {
    const auto outcome = file.run(options);
    CHECK_MESSAGE(outcome.exit_code == 2, options[1]);
    CHECK(outcome.out.empty());
    CHECK_MESSAGE(outcome.err.find(says) != std::string::npos, outcome.err);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  }
}
