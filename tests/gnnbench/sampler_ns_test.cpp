// Neighbour sampling: every in-neighbour, and every set of them, equally often; no repetition; the block's promises; draws that
// depend on seed, update, hop and node alone.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

#include "base/error.h"
#include "gnnbench/random_graph.h"
#include "gnnbench/sampler_support.h"
#include "stats/distributions.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Floyd's algorithm on the words of (update, hop, v), with a set; the loop has the last place.
std::vector<NodeId> slow_pick(const SamplerContext& c, std::uint32_t update, std::uint32_t hop, NodeId v, std::int64_t k) {
  const std::int64_t d = c.graph.degree(v) + c.added_self_loop;
  std::set<std::int64_t> places;
  std::uint32_t used = 0;
  const auto below = [&](std::uint32_t n) {
    for (;;) {
      const std::uint64_t product =
          std::uint64_t{c.key.words(Purpose::ns, update, hop, static_cast<std::uint32_t>(v), used / 4)[used % 4]} * n;
      ++used;
      if (static_cast<std::uint32_t>(product) >= (std::uint64_t{1} << 32) % n) return static_cast<std::int64_t>(product >> 32);
    }
  };
  if (k == kAllNeighbours || k >= d) {
    for (std::int64_t i = 0; i < d; ++i) places.insert(i);
  } else {
    for (std::int64_t last = d - k; last < d; ++last) {
      const std::int64_t pick = below(static_cast<std::uint32_t>(last + 1));
      places.insert(places.count(pick) ? last : pick);
    }
  }
  std::set<NodeId> ids;
  for (const std::int64_t place : places) ids.insert(place == c.graph.degree(v) ? v : c.graph.row(v)[at(place)]);
  return {ids.begin(), ids.end()};
}

}  // namespace

TEST_CASE("each neighbour is drawn with probability k / d, without repetition") {
  constexpr std::int64_t kDraws = 100000;
  for (const auto& [d, k] : std::vector<std::pair<std::int64_t, std::int64_t>>{{3, 1}, {5, 4}, {7, 3}, {20, 10}, {50, 10}}) {
    for (const bool loop : {false, true}) {
      const Csr graph = star_into_zero(d - loop);
      const auto sampler = make_ns({.graph = graph.view(), .added_self_loop = loop, .key = {17}}, {k});
      std::vector<std::int64_t> count(at(d - loop) + 1);
      const NodeId seed = 0;
      std::size_t repeated = 0;
      for (std::int64_t i = 0; i < kDraws; ++i) {
        const MiniBatch batch = sampler->sample(static_cast<std::uint32_t>(i), {&seed, 1});
        const auto row = sources_of(batch.blocks[0], 0);
        repeated += std::set<NodeId>(row.begin(), row.end()).size() != at(k);
        for (const NodeId u : row) ++count[at(u)];
      }
      CHECK(repeated == 0);
      CHECK((count[0] > 0) == loop);
      // Counts of k of d without replacement are correlated by -1 / (d - 1), which the factor undoes.
      const double pi = static_cast<double>(k) / static_cast<double>(d), mean = kDraws * pi;
      double statistic = 0;
      for (std::size_t u = loop ? 0 : 1; u < count.size(); ++u)
        statistic += (static_cast<double>(count[u]) - mean) * (static_cast<double>(count[u]) - mean) / (mean * (1 - pi));
      statistic *= static_cast<double>(d - 1) / static_cast<double>(d);
      CAPTURE(d);
      CAPTURE(k);
      CAPTURE(loop);
      CHECK(stats::chi_square_p(statistic, static_cast<double>(d - 1)) > 1e-4);
    }
  }
}

TEST_CASE("every set of 3 of 6 neighbours is as likely as any other") {
  const Csr graph = star_into_zero(6);
  const auto sampler = make_ns({.graph = graph.view(), .key = {18}}, {3});
  std::map<std::vector<NodeId>, double> count;
  const NodeId seed = 0;
  for (std::uint32_t i = 0; i < 40000; ++i) ++count[sources_of(sampler->sample(i, {&seed, 1}).blocks[0], 0)];
  REQUIRE(count.size() == 20);
  double statistic = 0;
  for (const auto& entry : count) statistic += (entry.second - 2000) * (entry.second - 2000) / 2000;
  CHECK(stats::chi_square_p(statistic, 19) > 1e-4);
}

TEST_CASE("blocks keep their promises, rows are Floyd's on the node's own words") {
  const Csr graph = random_graph(200, 0.08, 4);
  for (const bool loop : {false, true}) {
    const SamplerContext context{.graph = graph.view(), .added_self_loop = loop, .key = {5}};
    const std::vector<std::int64_t> fanouts = {4, 9, kAllNeighbours};
    const auto sampler = make_ns(context, fanouts);
    const std::vector<NodeId> seeds = {17, 2, 199, 1, 0, 64};
    for (const std::uint32_t update : {0u, 7u, 4000000000u}) {
      const MiniBatch batch = sampler->sample(update, seeds);
      CHECK(batch.seeds == seeds);
      CHECK(batch.loss_rows == std::vector<NodeId>{0, 1, 2, 3, 4, 5});
      check_blocks(batch, context);
      for (std::uint32_t hop = 1; hop <= 3; ++hop) {
        const Block& block = batch.blocks[3 - hop];
        std::size_t wrong = 0;
        for (std::int64_t v = 0; v < block.destinations; ++v) {
          const NodeId node = block.sources[at(v)];
          const auto row = sources_of(block, v);
          wrong += row != slow_pick(context, update, hop, node, fanouts[hop - 1]);
          const double d = static_cast<double>(graph.view().degree(node) + loop);
          const double inverse = row.empty() ? 1 : d / static_cast<double>(row.size());
          wrong += block.inverse_inclusion[at(v)] != static_cast<float>(inverse);
        }
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("a fanout of at least the degree keeps the whole row in order, loop included") {
  const Csr graph = random_graph(50, 0.2, 6);
  std::vector<NodeId> seeds;
  for (NodeId v = 0; v < 50; ++v) seeds.push_back(v);
  for (const bool loop : {false, true}) {
    const SamplerContext context{.graph = graph.view(), .added_self_loop = loop, .key = {5}};
    for (const std::int64_t k : {std::int64_t{51}, kAllNeighbours}) {
      const MiniBatch batch = make_ns(context, {k})->sample(3, seeds);
      for (NodeId v = 0; v < 50; ++v) {
        const auto row = graph.view().row(v);
        std::set<NodeId> expected(row.begin(), row.end());
        if (loop) expected.insert(v);
        CHECK(sources_of(batch.blocks[0], v) == std::vector<NodeId>(expected.begin(), expected.end()));
      }
    }
  }
}

TEST_CASE("draws do not depend on the batch's other seeds nor on what was drawn before") {
  const Csr graph = random_graph(300, 0.1, 7);
  const SamplerContext context{.graph = graph.view(), .added_self_loop = true, .key = {8}};
  const std::vector<NodeId> all = {9, 3, 250, 77, 31, 4}, left = {9, 3, 250}, right = {77, 31, 4};
  for (const auto& make : {make_ns, make_labor}) {
    const auto rows = [&](const MiniBatch& batch, std::size_t hop) {
      std::map<NodeId, std::vector<NodeId>> of;
      const Block& block = batch.blocks[2 - hop];
      for (std::int64_t v = 0; v < block.destinations; ++v) of[block.sources[at(v)]] = sources_of(block, v);
      return of;
    };
    const auto used = make(context, {5, 5}), fresh = make(context, {5, 5});
    for (std::uint32_t update = 0; update < 5; ++update) used->sample(update, right);
    const MiniBatch whole = used->sample(5, all);
    const MiniBatch again = fresh->sample(5, all);
    for (std::size_t l = 0; l < 2; ++l) {
      CHECK(whole.blocks[l].indices == again.blocks[l].indices);
      CHECK(whole.blocks[l].sources == again.blocks[l].sources);
    }
    for (std::size_t hop = 1; hop <= 2; ++hop) {
      auto together = rows(whole, hop);
      auto apart = rows(fresh->sample(5, left), hop);
      apart.merge(rows(fresh->sample(5, right), hop));
      CHECK(together == apart);
    }
    CHECK(rows(fresh->sample(6, all), 1) != rows(whole, 1));
    // The hop is part of the key: seeds draw anew where they are destinations again.
    auto outer = rows(whole, 2);
    std::size_t equal = 0;
    for (const auto& [v, row] : rows(whole, 1)) equal += outer[v] == row;
    CHECK(equal < all.size());
  }
}

TEST_CASE("what cannot be sampled is refused") {
  const Csr graph = star_into_zero(3);
  const SamplerContext context{.graph = graph.view(), .key = {1}};
  CHECK_THROWS_AS(make_ns(context, {0}), Error);
  CHECK_THROWS_AS(make_labor(context, {3, -2}), Error);
  const std::vector<NodeId> twice = {1, 0, 1};
  CHECK_THROWS_WITH_AS(make_ns(context, {2})->sample(0, twice), "node 1 is a seed twice", Error);
}
