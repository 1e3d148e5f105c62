// Cluster batches: the subgraph that the chosen parts induce, edges between them included.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "gnnbench/random_graph.h"
#include "gnnbench/sampler_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Parts {
  Csr graph = random_graph(90, 0.1, 31);
  std::vector<std::int32_t> part_of;
  std::vector<std::uint8_t> train;
  Parts() {
    // Part 3 has no node.
    for (std::int32_t v = 0; v < 90; ++v) part_of.push_back(v * 7 % 6 == 3 ? 0 : v * 7 % 6);
    for (std::int32_t v = 0; v < 90; ++v) train.push_back(v % 5 == 0);
  }
};

}  // namespace

TEST_CASE("a cluster batch is the induced subgraph") {
  const Parts p;
  for (const bool loop : {false, true}) {
    const SamplerContext context{.graph = p.graph.view(), .added_self_loop = loop, .key = {1}};
    const auto sampler = make_cluster(context, p.part_of, p.train, 3);
    for (const std::vector<NodeId>& chosen : {std::vector<NodeId>{4}, {5, 0}, {3}, {2, 1, 0, 4, 5}}) {
      const MiniBatch batch = sampler->sample(0, chosen);
      std::vector<NodeId> nodes, loss;
      for (NodeId v = 0; v < 90; ++v)
        if (std::find(chosen.begin(), chosen.end(), p.part_of[at(v)]) != chosen.end()) nodes.push_back(v);
      REQUIRE(batch.blocks.size() == 3);
      for (const Block& block : batch.blocks) {
        CHECK(block.sources == nodes);
        REQUIRE(block.destinations == static_cast<std::int64_t>(nodes.size()));
        for (std::int64_t v = 0; v < block.destinations; ++v) {
          std::vector<NodeId> expected;
          for (const NodeId u : p.graph.view().row(nodes[at(v)]))
            if (std::binary_search(nodes.begin(), nodes.end(), u)) expected.push_back(u);
          auto row = sources_of(block, v);
          CHECK(std::is_sorted(row.begin(), row.end()));
          CHECK(std::erase(row, nodes[at(v)]) == static_cast<std::size_t>(loop));
          CHECK(row == expected);
        }
      }
      for (std::size_t i = 0; i < nodes.size(); ++i)
        if (nodes[i] % 5 == 0) loss.push_back(static_cast<NodeId>(i));
      CHECK(batch.loss_rows == loss);
      REQUIRE(batch.seeds.size() == loss.size());
      for (std::size_t i = 0; i < loss.size(); ++i) CHECK(batch.seeds[i] == nodes[at(loss[i])]);
    }
  }
}

TEST_CASE("all parts give the graph itself, with one loop a row where it counts") {
  Csr ring;
  for (NodeId v = 0; v < 12; ++v) {
    const NodeId a = (v + 11) % 12, b = (v + 1) % 12;
    ring.indices.push_back(std::min(a, b));
    ring.indices.push_back(std::max(a, b));
    ring.indptr.push_back(static_cast<EdgeIndex>(ring.indices.size()));
  }
  const std::vector<std::int32_t> parts(12, 0);
  const std::vector<std::uint8_t> train(12, 1);
  const NodeId all = 0;
  const Block plain = make_cluster({.graph = ring.view(), .key = {}}, parts, train, 1)->sample(0, {&all, 1}).blocks[0];
  CHECK(plain.indices == ring.indices);
  CHECK(plain.indptr == ring.indptr);
  const Block looped =
      make_cluster({.graph = ring.view(), .added_self_loop = true, .key = {}}, parts, train, 1)->sample(0, {&all, 1}).blocks[0];
  for (std::int64_t v = 0; v < 12; ++v) {
    const auto row = looped.view().row(v);
    CHECK(row.size() == 3);
    CHECK(std::is_sorted(row.begin(), row.end()));
    CHECK(std::count(row.begin(), row.end(), v) == 1);
  }
}

TEST_CASE("a part cannot be chosen twice") {
  const Parts p;
  const auto sampler = make_cluster({.graph = p.graph.view(), .key = {}}, p.part_of, p.train, 1);
  const std::vector<NodeId> twice = {2, 4, 2};
  CHECK_THROWS_WITH_AS(sampler->sample(0, twice), "part 2 is chosen twice", Error);
}
