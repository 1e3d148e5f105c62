// Options of any input: features made from the graph, stores, what a task needs.
#include "gnnbench/load.h"
#include "base/refusal.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "gnnbench/graph_facts.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

using tenfold::test::says;

namespace {

LoadOptions karate() {
  LoadOptions out;
  out.data = "embedded:karate";
  return out;
}

std::string refusal(const Dataset& data) {
  try {
    require_task(data);
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.exit_code())) + " " + error.message();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("load: identity features are sparse from 21 nodes on, and dense where asked for") {
  LoadOptions options = karate();
  options.features = "identity";
  const Dataset sparse = open_dataset(options).data;
  CHECK(sparse.features.sparse());
  CHECK(sparse.features.width == 34);
  options.store = "dense";
  const Dataset dense = open_dataset(options).data;
  CHECK_FALSE(dense.features.sparse());
  CHECK(dense.features.dense[35] == 1);
  CHECK(dense.features.dense[1] == 0);
  CHECK(dense.digest != sparse.digest);  // stored otherwise
}

TEST_CASE("load: a node's degree as a feature") {
  LoadOptions options = karate();
  options.features = "degree";
  const Dataset data = open_dataset(options).data;
  CHECK(data.features.width == 2);
  CHECK(data.features.dense[0] == doctest::Approx(std::log(17.0)));  // sixteen friends
  CHECK(data.features.dense[1] == 1);
}

TEST_CASE("load: what training needs is asked for with what to pass") {
  LoadOptions options = karate();
  CHECK(says(refusal(open_dataset(options).data), "3 embedded:karate: no features; give --features degree or identity"));
  options.features = "identity";
  CHECK(says(refusal(open_dataset(options).data),
             "no labelled node to train on: of 34 nodes 34 have a label, 0 validate, 0 test; give --split"));
  options.split = "per-class:4,8,8";
  const Dataset data = open_dataset(options).data;
  CHECK(require_task(data).empty());
  options.split = "per-class:4,0,8";
  CHECK(require_task(open_dataset(options).data) ==
        std::vector<std::string>{"no node validates: the last weights are kept, not the best ones, and --patience "
                                 "cannot act"});
  // One node to train on leaves a class out.
  options.split = "random:0.03,0.5,0.4";
  const auto warnings = require_task(open_dataset(options).data);
  REQUIRE(warnings.size() == 2);
  CHECK(says(warnings[0], "1 of 2 classes have no node to train on"));
  CHECK(says(warnings[1], "all training nodes are of one class"));
  const TemporaryFolder folder;
  std::ofstream(folder / "e.txt") << "0 1\n";
  LoadOptions bare;
  bare.data = (folder / "e.txt").string();
  bare.features = "degree";
  CHECK(says(refusal(open_dataset(bare).data), "0 of 2 nodes have a label"));
}

TEST_CASE("load: given split and labels from another file") {
  const TemporaryFolder folder;
  std::string text;
  for (int v = 0; v < 34; ++v) text += v == 0 ? "-1\n" : v < 4 ? "2\n" : "1\n";
  std::ofstream(folder / "y.txt") << text;
  LoadOptions options = karate();
  options.labels = (folder / "y.txt").string();
  const Loaded loaded = open_dataset(options);
  CHECK(loaded.data.labels[0] == -1);
  CHECK(loaded.data.labels[1] == 2);
  CHECK(loaded.data.classes == 3);
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(loaded.warnings[0] == "1 of 3 classes have no node: 0");
}
