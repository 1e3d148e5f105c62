#include "gnnbench/partition.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "gnnbench/load.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

fs::path data_folder() {
  const char* named = std::getenv("TENFOLD_DATA");
  return fs::path(named != nullptr && *named != '\0' ? named : TENFOLD_DATA_DEFAULT) / "graphs";
}

// The generator of tests/parity/gnnbench/partition.py.
Csr congruential(std::int64_t n, int edge_count) {
  std::uint64_t state = 12345;
  const auto next = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<NodeId>((state >> 33) % static_cast<std::uint64_t>(n));
  };
  std::vector<Edge> edges;
  for (int i = 0; i < edge_count; ++i) {
    const NodeId u = next();
    edges.push_back({u, next()});
  }
  return build_graph(n, std::move(edges), Direction::symmetric).csr;
}

Json answers_of_gpmetis() {
  std::ifstream file(fs::path(TENFOLD_SOURCE_DIR) / "tests/parity/gnnbench/partition.json");
  return Json::parse(file);
}

std::string digest_of(const Partition& partition) { return sha256_hex(std::as_bytes(std::span(partition.part_of))); }

// Straight from the definitions, by sets.
struct ByDefinition {
  std::vector<std::set<NodeId>> halo;                // R_w
  std::vector<std::vector<std::set<NodeId>>> send;   // B_ij
  std::int64_t cut = 0;                              // entries between parts
};
ByDefinition by_definition(CsrView graph, const Partition& partition) {
  const auto k = static_cast<std::size_t>(partition.parts);
  ByDefinition out{std::vector<std::set<NodeId>>(k), std::vector(k, std::vector<std::set<NodeId>>(k))};
  for (std::int64_t v = 0; v < graph.rows(); ++v)
    for (const NodeId u : graph.row(v)) {
      const auto of_u = static_cast<std::size_t>(partition.part_of[static_cast<std::size_t>(u)]);
      const auto of_v = static_cast<std::size_t>(partition.part_of[static_cast<std::size_t>(v)]);
      if (of_u == of_v) continue;
      ++out.cut;
      out.halo[of_v].insert(u);
      out.send[of_u][of_v].insert(u);
    }
  return out;
}

std::int64_t sent_rows(const Boundary& crossing) {
  std::int64_t rows = 0;
  for (const auto& from : crossing.send)
    for (const auto& to : from) rows += static_cast<std::int64_t>(to.size());
  return rows;
}

std::vector<std::int64_t> sizes_of(const Partition& partition) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(partition.parts));
  for (const std::int32_t part : partition.part_of) ++sizes.at(static_cast<std::size_t>(part));
  return sizes;
}

std::string refusal(CsrView graph, int k, const PartitionOptions& options = {}) {
  try {
    partition_graph(graph, true, k, {}, options);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("METIS' parts are those of gpmetis 5.1.0, its objective is our halo or cut") {
  int compared = 0, absent = 0;
  for (const Json& answer : answers_of_gpmetis()) {
    const auto name = answer["graph"].get<std::string>();
    CAPTURE(name);
    CAPTURE(answer["k"].get<int>());
    std::optional<Csr> made;
    std::optional<Dataset> read;
    if (name.starts_with("congruential")) {
      const std::size_t dash = name.rfind('-');
      made = congruential(answer["n"].get<std::int64_t>(), std::stoi(name.substr(dash + 1)));
    } else if (const fs::path file = data_folder() / (name + ".npz"); fs::exists(file)) {
      LoadOptions load;
      load.data = file.string();
      read = open_dataset(load).data;
    } else {
      ++absent;
      continue;
    }
    const CsrView graph = made ? made->view() : read->graph;
    REQUIRE(graph.edges() == answer["nnz"].get<std::int64_t>());
    PartitionOptions options;
    options.seed = answer["seed"].get<std::uint64_t>();
    options.objective = answer["objective"] == "vol" ? PartitionObjective::vol : PartitionObjective::cut;
    options.balance_train = answer["balance"].get<bool>();
    std::vector<std::uint8_t> train(static_cast<std::size_t>(graph.rows()));
    for (std::size_t v = 0; v < train.size(); ++v) train[v] = v % 5 == 0;
    const Partition parts = partition_graph(graph, true, answer["k"].get<int>(), train, options);
    CHECK(digest_of(parts) == answer["digest"].get<std::string>());
    const Boundary crossing = boundary(graph, true, parts);
    CHECK(crossing.cut_edges == answer["cut"].get<std::int64_t>());
    CHECK(crossing.halo_rows() == answer["volume"].get<std::int64_t>());
    CHECK(parts.metis_objective == (options.objective == PartitionObjective::vol ? crossing.halo_rows() : crossing.cut_edges));
    ++compared;
  }
  CHECK(compared >= 20);
  if (absent > 0) MESSAGE(absent << " partitions skipped: their graphs are not in TENFOLD_DATA");
}

TEST_CASE("the counts of four public graphs") {
  struct Count {
    const char* graph;
    int k;
    PartitionObjective objective;
    std::int64_t cut, halo;
  };
  for (const Count& expected : {Count{"cora", 4, PartitionObjective::cut, 313, 471},
                                {"cora", 4, PartitionObjective::vol, -1, 444},
                                {"amazon_photo", 4, PartitionObjective::cut, 9'438, 4'350},
                                {"amazon_photo", 4, PartitionObjective::vol, -1, 4'814},
                                {"dblp", 4, PartitionObjective::vol, -1, 4'059},
                                {"coauthor_cs", 8, PartitionObjective::vol, -1, 13'421}}) {
    CAPTURE(expected.graph);
    LoadOptions load;
    load.data = (data_folder() / (std::string(expected.graph) + ".npz")).string();
    if (!fs::exists(load.data)) {
      MESSAGE("skipped: no " << load.data);
      continue;
    }
    const Dataset data = open_dataset(load).data;
    PartitionOptions options;
    options.objective = expected.objective;
    const Boundary crossing = boundary(data.graph, true, partition_graph(data.graph, true, expected.k, {}, options));
    if (expected.cut >= 0) CHECK(crossing.cut_edges == expected.cut);
    CHECK(crossing.halo_rows() == expected.halo);
  }
}

TEST_CASE("boundaries of random graphs, directed and not, are those of the definition") {
  for (const bool symmetric : {true, false})
    for (const int k : {1, 2, 3, 7})
      for (const PartitionMethod method : {PartitionMethod::metis, PartitionMethod::random, PartitionMethod::range}) {
        CAPTURE(symmetric);
        CAPTURE(k);
        std::vector<Edge> edges;
        PhiloxStream random(3, "edges", static_cast<std::uint32_t>(k));
        for (int i = 0; i < 300; ++i)
          edges.push_back({static_cast<NodeId>(random.below(120)), static_cast<NodeId>(random.below(120))});
        const Csr graph = build_graph(120, edges, symmetric ? Direction::symmetric : Direction::in).csr;
        PartitionOptions options;
        options.method = method;
        const Partition parts = partition_graph(graph.view(), symmetric, k, {}, options);
        const Boundary crossing = boundary(graph.view(), symmetric, parts);
        const ByDefinition expected = by_definition(graph.view(), parts);
        CHECK(crossing.cut_edges == (symmetric ? expected.cut / 2 : expected.cut));
        CHECK(crossing.halo_rows() == sent_rows(crossing));
        for (std::size_t w = 0; w < static_cast<std::size_t>(k); ++w) {
          // By owner, then id.
          std::vector<NodeId> halo(expected.halo[w].begin(), expected.halo[w].end());
          std::stable_sort(halo.begin(), halo.end(), [&](NodeId a, NodeId b) {
            return parts.part_of[static_cast<std::size_t>(a)] < parts.part_of[static_cast<std::size_t>(b)];
          });
          CHECK(crossing.halo[w] == halo);
          for (std::size_t to = 0; to < static_cast<std::size_t>(k); ++to)
            CHECK(crossing.send[w][to] == std::vector<NodeId>(expected.send[w][to].begin(), expected.send[w][to].end()));
        }
      }
}

TEST_CASE("a directed graph is divided by its symmetrised structure") {
  std::vector<Edge> edges;
  PhiloxStream random(4, "edges");
  for (int i = 0; i < 900; ++i) edges.push_back({static_cast<NodeId>(random.below(300)), static_cast<NodeId>(random.below(300))});
  const Csr both = build_graph(300, edges, Direction::symmetric).csr;
  for (const Direction direction : {Direction::in, Direction::out}) {
    const Csr one_way = build_graph(300, edges, direction).csr;
    CHECK(partition_graph(one_way.view(), false, 4, {}, {}).part_of == partition_graph(both.view(), true, 4, {}, {}).part_of);
  }
}

TEST_CASE("random and range parts are equal to a node, random ones by seed, and all parts are used") {
  const Csr graph = congruential(103, 300);
  PartitionOptions options;
  options.method = PartitionMethod::range;
  const Partition range = partition_graph(graph.view(), true, 4, {}, options);
  CHECK(std::is_sorted(range.part_of.begin(), range.part_of.end()));
  CHECK(sizes_of(range) == std::vector<std::int64_t>{26, 26, 26, 25});
  options.method = PartitionMethod::random;
  const Partition first = partition_graph(graph.view(), true, 4, {}, options);
  CHECK(sizes_of(first) == std::vector<std::int64_t>{26, 26, 26, 25});
  CHECK(first.part_of == partition_graph(graph.view(), true, 4, {}, options).part_of);
  CHECK_FALSE(std::is_sorted(first.part_of.begin(), first.part_of.end()));
  options.seed = 43;
  CHECK(first.part_of != partition_graph(graph.view(), true, 4, {}, options).part_of);
  CHECK(sizes_of(partition_graph(graph.view(), true, 103, {}, options)) == std::vector<std::int64_t>(103, 1));
}

TEST_CASE("balance-train divides the training nodes evenly where METIS alone does not") {
  const Csr graph = congruential(2000, 7000);
  // The training nodes lie together: those of one part without the second weight.
  const Partition plain = partition_graph(graph.view(), true, 4, {}, {});
  std::vector<std::uint8_t> train(2000);
  for (std::size_t v = 0; v < 2000; ++v) train[v] = plain.part_of[v] == 0;
  PartitionOptions options;
  options.balance_train = true;
  const Partition balanced = partition_graph(graph.view(), true, 4, train, options);
  std::vector<int> trained(4);
  for (std::size_t v = 0; v < 2000; ++v) trained[static_cast<std::size_t>(balanced.part_of[v])] += train[v];
  const int total = std::accumulate(trained.begin(), trained.end(), 0);
  CHECK(total > 400);
  CHECK(*std::max_element(trained.begin(), trained.end()) < total * 0.35);
  // Without a training node there is nothing to balance.
  train.assign(2000, 0);
  CHECK(partition_graph(graph.view(), true, 4, train, options).part_of == plain.part_of);
}

TEST_CASE("one part needs no METIS; more parts than nodes, and none, are refused") {
  const Csr graph = congruential(50, 120);
  const Partition one = partition_graph(graph.view(), true, 1, {}, {});
  CHECK(one.part_of == std::vector<std::int32_t>(50, 0));
  CHECK(boundary(graph.view(), true, one).halo_rows() == 0);
  CHECK(refusal(graph.view(), 51) == "cannot make 51 parts of 50 nodes; at most as many as nodes");
  CHECK(refusal(graph.view(), 0) == "cannot make 0 parts; at least 1");
  PartitionOptions seed;
  seed.seed = std::uint64_t{1} << 31;
  CHECK(refusal(graph.view(), 2, seed) == "METIS takes seeds below 2^31");
}

TEST_CASE("a graph beyond METIS' 32 bits is refused by name of the alternative, before its edges are touched") {
  // Two nodes that claim 2^31 edges, which nobody stores.
  const std::vector<EdgeIndex> indptr = {0, std::int64_t{1} << 30, std::int64_t{1} << 31};
  const std::vector<NodeId> none;
  const CsrView graph{indptr, none};
  CHECK(refusal(graph, 2) == "2147483648 edges are too many for METIS, which counts in 32 bits; use --partition range");
  PartitionOptions range;
  range.method = PartitionMethod::range;
  CHECK(refusal(graph, 2, range).empty());
}
