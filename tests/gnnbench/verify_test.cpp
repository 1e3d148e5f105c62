// verify on the binary: what holds on a sound graph, and that a graph which is not what it says fails by name. And the checks
// that need no LibTorch, on graphs with a planted fault.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "cli/process.h"
#include "cli/scratch.h"
#include "gnnbench/gnnb_store.h"
#include "gnnbench/load.h"
#include "gnnbench/rearranged.h"
#include "gnnbench/verify.h"
#include "gnnbench/verify_command.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using test::Scratch;
using OrderedJson = nlohmann::ordered_json;

namespace {

test::Outcome verify(std::vector<std::string> words, const Scratch& scratch) {
  words.insert(words.begin(), {TENFOLD_BUILD_DIR "/bin/gnnbench", "verify"});
  return test::run(words, {.directory = scratch.path().string(), .variables = {}, .input = ""});
}

Dataset iris() {
  LoadOptions load;
  load.data = TENFOLD_SOURCE_DIR "/sample_data/gnn/iris.npz";
  load.split = "random:0.5,0.25,0.25";
  return open_dataset(load).data;
}

// The same with one direction of one edge gone.
Dataset one_way(const Dataset& data) {
  auto graph = std::make_shared<Csr>();
  graph->indptr.assign(data.graph.indptr.begin(), data.graph.indptr.end());
  graph->indices.assign(data.graph.indices.begin(), data.graph.indices.end());
  graph->indices.erase(graph->indices.begin());
  for (std::size_t v = 1; v < graph->indptr.size(); ++v) --graph->indptr[v];
  Dataset out = data;
  out.graph = graph->view();
  out.storage = std::make_shared<std::pair<std::shared_ptr<const void>, std::shared_ptr<Csr>>>(data.storage, graph);
  return out;
}

std::vector<std::string> failing(const std::vector<Check>& checks) {
  std::vector<std::string> names;
  for (const Check& check : checks)
    if (!check.holds()) names.push_back(check.name);
  return names;
}

}  // namespace

TEST_CASE("verify: everything holds on iris, of one worker and of several") {
  const Scratch scratch;
  const test::Outcome outcome =
      verify({"sample_data/gnn/iris.npz", "--split", "random:0.5,0.25,0.25", "--workers", "1,3", "--format", "json"}, scratch);
  REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  const OrderedJson result = OrderedJson::parse(outcome.out)["result"];
  CHECK(result["failed"] == 0);
  CHECK(result["verified_nodes"] == 150);
  std::vector<std::string> names;
  for (const OrderedJson& check : result["checks"]) {
    names.push_back(check["name"].get<std::string>());
    CHECK(check["deviation"].get<double>() <= check["tolerance"].get<double>());
  }
  for (const std::string name : {"ns:all == sync, gat", "ns:all == sync, sage on constant features",
                                 "cluster:1:1 == sync, gcn, float64", "gradients == differences, sage pool",
                                 "sync@3 == sync, sage", "logits follow permuted ids, gcn", "parts: 3 parts fetch what is sent"})
    CHECK_MESSAGE(std::find(names.begin(), names.end(), name) != names.end(), name);
}

TEST_CASE("verify: one check that does not hold is counted, and the exit code is 1") {
  const Dataset data = iris();
  std::vector<Check> checks = {{"a", 1e-6, 1e-5}, {"b", 0, 0}};
  CHECK(verify_result(data, data, {1}, checks).exit_code == 0);
  checks.push_back({"c", 2e-5, 1e-5});
  checks.push_back({"d", std::numeric_limits<double>::quiet_NaN(), 1e-5});
  const cli::Result result = verify_result(data, data, {1}, checks);
  CHECK(result.exit_code == 1);
  CHECK(result.value["failed"] == 2);
  CHECK(result.value["checks"][2]["holds"] == false);
  CHECK(result.value["checks"][3]["holds"] == false);
  CHECK(result.human.find("FAILS   c") != std::string::npos);
}

TEST_CASE("verify: a stored graph that calls itself symmetric and is not is refused where it is read") {
  const Scratch scratch;
  write_gnnb(one_way(iris()), {.path = scratch.path() / "one_way.gnnb", .force = false});
  const test::Outcome outcome = verify({(scratch.path() / "one_way.gnnb").string(), "--workers", "1"}, scratch);
  CHECK_MESSAGE(outcome.exit_code == 3, outcome.err);
  CHECK(outcome.err.find("reverse is missing") != std::string::npos);
}

TEST_CASE("verify: a greater graph is verified on a neighbourhood, and says so") {
  const Scratch scratch;
  const test::Outcome outcome = verify(
      {"sample_data/gnn/iris.npz", "--split", "random:0.5,0.25,0.25", "--workers", "1", "--max-nodes", "60", "--format", "json"},
      scratch);
  REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  CHECK(OrderedJson::parse(outcome.out)["result"]["verified_nodes"] == 60);
  CHECK(outcome.err.find("150 nodes: verified on 60") != std::string::npos);
}

TEST_CASE("verify: wide features are verified on some columns, the same whether they are stored dense or sparse") {
  const Scratch scratch;
  const test::Outcome outcome = verify({"sample_data/gnn/iris.npz", "--split", "random:0.5,0.25,0.25", "--workers", "1",
                                        "--max-features", "3", "--format", "json"},
                                       scratch);
  REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  CHECK(OrderedJson::parse(outcome.out)["result"]["verified_features"] == 3);
  CHECK(outcome.err.find("4 features: verified on 3") != std::string::npos);

  // Row v of iris as entries of a sparse matrix, all of them stored.
  const Dataset dense = iris();
  std::vector<EdgeIndex> indptr = {0};
  std::vector<NodeId> columns;
  for (std::int64_t v = 0; v < dense.nodes(); ++v) {
    for (NodeId j = 0; j < 4; ++j) columns.push_back(j);
    indptr.push_back(4 * (v + 1));
  }
  Dataset sparse = dense;
  sparse.features = {.width = 4, .dense = {}, .indptr = indptr, .columns = columns, .values = dense.features.dense};
  const Dataset some = with_fewer_columns(dense, 3, 7), same = with_fewer_columns(sparse, 3, 7);
  CHECK(std::vector<float>(same.features.values.begin(), same.features.values.end()) ==
        std::vector<float>(some.features.dense.begin(), some.features.dense.end()));
  CHECK(same.features.indptr.back() == 450);
  // What is left of a row is that row without one column, the same one for all.
  std::set<NodeId> absent;
  for (std::int64_t v = 0; v < 150; ++v) {
    const auto whole = dense.features.dense.subspan(static_cast<std::size_t>(4 * v), 4);
    const auto row = some.features.dense.subspan(static_cast<std::size_t>(3 * v), 3);
    std::set<NodeId> here;
    for (NodeId gone = 0; gone < 4; ++gone) {
      std::vector<float> left;
      for (NodeId j = 0; j < 4; ++j)
        if (j != gone) left.push_back(whole[static_cast<std::size_t>(j)]);
      if (std::equal(row.begin(), row.end(), left.begin())) here.insert(gone);
    }
    if (v == 0) absent = here;
    std::erase_if(absent, [&](NodeId gone) { return !here.contains(gone); });
  }
  CHECK(absent.size() == 1);
  CHECK(with_fewer_columns(dense, 4, 7).digest == dense.digest);
}

TEST_CASE("verify: what is no number of workers is refused") {
  const Scratch scratch;
  for (const std::string workers : {"0", "two", "1,,2", "151", ""}) {
    const test::Outcome outcome = verify(
        {"sample_data/gnn/iris.npz", "--split", "random:0.5,0.25,0.25", "--max-nodes", "9", "--workers", workers}, scratch);
    CHECK(outcome.exit_code == 2);
    CHECK_MESSAGE(outcome.err.find("--workers") != std::string::npos, outcome.err);
  }
}

TEST_CASE("checks that need no tensors hold on iris, and a lost reverse edge is counted") {
  const Dataset data = iris();
  ThreadPool pool(2);
  CHECK(failing(graph_checks(data)).empty());
  CHECK(failing(product_checks(data, {3}, pool)).empty());
  CHECK(failing(sample_checks(data, {3})).empty());
  CHECK(failing(dropout_checks(data, {3}, pool)).empty());
  CHECK(failing(partition_checks(data, {2, 4})).empty());
  CHECK(partition_checks(data, {2, 4}).size() == 4);
  CHECK(failing(graph_checks(one_way(data))) == std::vector<std::string>{"graph: each edge has its reverse"});
}

TEST_CASE("rearranged: the induced subgraph under other numbers, with its features, labels and split") {
  const Dataset data = iris();
  const std::vector<NodeId> nodes = {40, 3, 149, 12, 9, 77};
  const Dataset some = rearranged(data, nodes);
  REQUIRE(some.nodes() == 6);
  for (std::int64_t v = 0; v < 6; ++v) {
    const auto from = static_cast<std::size_t>(nodes[static_cast<std::size_t>(v)]);
    CHECK(some.labels[static_cast<std::size_t>(v)] == data.labels[from]);
    CHECK(some.split[static_cast<std::size_t>(v)] == data.split[from]);
    const auto width = static_cast<std::size_t>(data.features.width);
    for (std::size_t j = 0; j < width; ++j)
      CHECK(some.features.dense[static_cast<std::size_t>(v) * width + j] == data.features.dense[from * width + j]);
    const auto row = some.graph.row(v), whole = data.graph.row(static_cast<std::int64_t>(from));
    for (std::int64_t u = 0; u < 6; ++u)
      CHECK(std::binary_search(row.begin(), row.end(), static_cast<NodeId>(u)) ==
            std::binary_search(whole.begin(), whole.end(), nodes[static_cast<std::size_t>(u)]));
  }
  CHECK_THROWS_AS(rearranged(data, std::vector<NodeId>{1, 1}), std::invalid_argument);
  const std::vector<NodeId> near = neighbourhood(data, 40, 1);
  CHECK(near.size() == 40);
  CHECK(std::is_sorted(near.begin(), near.end()));
  CHECK(neighbourhood(data, 1000, 1).size() == 150);
}
