// Splits: counts, disjointness, that they depend on labels and seed alone, and that nodes without label are in none.
#include "gnnbench/split.h"
#include "base/refusal.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "gnnbench/keyed_random.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

using tenfold::test::says;

namespace {

// 1,000 nodes: every seventh without label, else class v mod 5.
std::vector<std::int32_t> some_labels() {
  std::vector<std::int32_t> out;
  for (int v = 0; v < 1000; ++v) out.push_back(v % 7 == 0 ? -1 : v % 5);
  return out;
}

std::int64_t count(const std::vector<std::uint8_t>& split, const std::vector<std::int32_t>& labels, Part part,
                   std::int32_t label) {
  std::int64_t out = 0;
  for (std::size_t v = 0; v < split.size(); ++v) out += split[v] == static_cast<std::uint8_t>(part) && labels[v] == label;
  return out;
}

std::string refusal(const std::string& rule, const std::vector<std::int32_t>& labels = some_labels()) {
  try {
    make_split(labels, 5, rule, 1);
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.exit_code())) + " " + error.message();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("split: random takes shares of the labelled nodes, the rest of a whole included") {
  const auto labels = some_labels();  // 857 have a label
  const SplitCounts whole = count_split(make_split(labels, 5, "random:0.6,0.2,0.2", 1), 1000);
  CHECK(whole.train == 514);         // 514.2
  CHECK(whole.val == 686 - 514);     // to 685.6
  CHECK(whole.test == 857 - 686);
  CHECK(whole.none == 143);
  const SplitCounts part = count_split(make_split(labels, 5, "random:0.1,0,0.2", 1), 1000);
  CHECK(part.train == 86);
  CHECK(part.val == 0);
  CHECK(part.test == 257 - 86);
}

TEST_CASE("split: per-class takes so many of each class, then of the others") {
  const auto labels = some_labels();
  const auto split = make_split(labels, 5, "per-class:20,300,400", 3);
  for (std::int32_t c = 0; c < 5; ++c) CHECK(count(split, labels, Part::train, c) == 20);
  const SplitCounts counts = count_split(split, 1000);
  CHECK(counts.val == 300);
  CHECK(counts.test == 400);
  for (std::size_t v = 0; v < labels.size(); ++v)
    if (labels[v] < 0) CHECK(split[v] == 0);
  CHECK(says(refusal("per-class:20,700,400"),
             "3 --split per-class:20,700,400: 757 labelled nodes are left after 100 to train on, fewer than the 1100"));
  // A class of two gives both.
  CHECK(make_split(std::vector<std::int32_t>{0, 1, 1, 1, 0}, 2, "per-class:3,0,0", 1) ==
        std::vector<std::uint8_t>{1, 1, 1, 1, 1});
}

TEST_CASE("split: the training nodes of a class are those with the least keyed uniforms") {
  const auto labels = some_labels();
  const auto split = make_split(labels, 5, "per-class:20,0,0", 9);
  const RandomKey key{9};
  double most_in = 0, least_out = 1;
  for (std::uint32_t v = 0; v < 1000; ++v) {
    if (labels[v] != 2) continue;
    const double u = key.uniform(Purpose::split, 0, 0, v);
    if (split[v] == 1)
      most_in = std::max(most_in, u);
    else
      least_out = std::min(least_out, u);
  }
  CHECK(most_in < least_out);
}

TEST_CASE("split: the same for the same seed, another for another, whatever nodes are added without label") {
  const auto labels = some_labels();
  const auto one = make_split(labels, 5, "random:0.5,0.25,0.25", 1);
  CHECK(make_split(labels, 5, "random:0.5,0.25,0.25", 1) == one);
  CHECK(make_split(labels, 5, "random:0.5,0.25,0.25", 2) != one);
  CHECK(make_split(labels, 5, "random:0.5,0.25,0.25", std::uint64_t{1} << 32 | 1) != one);  // the upper word counts
  auto longer = labels;
  longer.resize(1500, -1);
  auto expected = one;
  expected.resize(1500, 0);
  CHECK(make_split(longer, 5, "random:0.5,0.25,0.25", 1) == expected);
}

TEST_CASE("split: rules that cannot be") {
  CHECK(says(refusal("random"), "2 --split: \"random\" needs three numbers"));
  CHECK(says(refusal("random:0.6,0.2"), "needs three numbers"));
  CHECK(says(refusal("random:0.6,0.2,0.2,0"), "needs three numbers"));
  CHECK(says(refusal("random:0.6,0.3,0.2"), "adds up to more than 1"));
  CHECK(says(refusal("random:0,0.5,0.5"), "no node to train on"));
  CHECK(says(refusal("random:a,b,c"), "no number at least 0"));
  CHECK(says(refusal("random:-0.1,0.2,0.2"), "no number at least 0"));
  CHECK(says(refusal("random:nan,0.2,0.2"), "no number at least 0"));
  CHECK(says(refusal("per-class:2.5,1,1"), "fractions"));
  CHECK(says(refusal("per-clas:20,1,1"), "did you mean per-class?"));
  CHECK(says(refusal("random:0.6,0.2,0.2", {-1, -1}), "3 --split random:0.6,0.2,0.2: no node has a label"));
}
