// The nearest known name.
#include "base/suggest.h"

#include <doctest/doctest.h>

#include <vector>

using namespace tenfold;

TEST_CASE("edits are inserted, deleted, replaced letters and swapped neighbours") {
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("chians", "chains") == 1);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("SEED", "seed") == 0);
  CHECK(edit_distance("ca", "abc") == 3);  // the restricted distance: no edit inside a swapped pair
}

TEST_CASE("mistyped options are recognised, strangers are not") {
  const std::vector<std::string> options = {"--chains", "--warmup", "--draws", "--delta", "--seed", "--thin"};
  CHECK(nearest("--chians", options) == "--chains");
  CHECK(nearest("--chain", options) == "--chains");
  CHECK(nearest("--warm-up", options) == "--warmup");
  CHECK(nearest("--see", options) == "--seed");
  CHECK(nearest("--output", options) == "");
  CHECK(nearest("--x", options) == "");
  CHECK(nearest("--warmup-iterations", options) == "--warmup");
  CHECK(nearest("anything", {}) == "");
}

TEST_CASE("subcommands of few letters") {
  const std::vector<std::string> subcommands = {"sample", "summary", "grad", "graph", "explain", "verify"};
  CHECK(nearest("smaple", subcommands) == "sample");
  CHECK(nearest("grap", subcommands) == "grad");  // both one edit away: the first
  CHECK(nearest("explian", subcommands) == "explain");
  CHECK(nearest("run", subcommands) == "");
}
