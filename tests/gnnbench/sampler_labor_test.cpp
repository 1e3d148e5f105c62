// LABOR-0: edges are kept independently with probability min(1, k / d), by one uniform a source; fewer sources than ns.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "gnnbench/random_graph.h"
#include "gnnbench/sampler_support.h"
#include "stats/distributions.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

TEST_CASE("each edge is kept with probability k / d, independently of the row's others") {
  constexpr std::int64_t kDraws = 100000;
  for (const auto& [d, k] : std::vector<std::pair<std::int64_t, std::int64_t>>{{3, 1}, {7, 3}, {20, 10}, {50, 10}}) {
    for (const bool loop : {false, true}) {
      const Csr graph = star_into_zero(d - loop);
      const auto sampler = make_labor({.graph = graph.view(), .added_self_loop = loop, .key = {19}}, {k});
      std::vector<double> count(at(d - loop) + 1);
      double size = 0, squares = 0;
      const NodeId seed = 0;
      for (std::int64_t i = 0; i < kDraws; ++i) {
        const auto row = sources_of(sampler->sample(static_cast<std::uint32_t>(i), {&seed, 1}).blocks[0], 0);
        for (const NodeId u : row) ++count[at(u)];
        size += static_cast<double>(row.size());
        squares += static_cast<double>(row.size() * row.size());
      }
      const double pi = static_cast<double>(k) / static_cast<double>(d), mean = kDraws * pi;
      double statistic = 0;
      for (std::size_t u = loop ? 0 : 1; u < count.size(); ++u)
        statistic += (count[u] - mean) * (count[u] - mean) / (mean * (1 - pi));
      CAPTURE(d);
      CAPTURE(k);
      CAPTURE(loop);
      CHECK(stats::chi_square_p(statistic, static_cast<double>(d)) > 1e-4);
      // The row's size has the variance of d independent edges, d pi (1 - pi); without replacement it would have none.
      const double variance = squares / kDraws - size / kDraws * (size / kDraws);
      CHECK(variance == doctest::Approx(static_cast<double>(d) * pi * (1 - pi)).epsilon(0.05));
    }
  }
}

TEST_CASE("an edge is kept iff its source's uniform is at most k / d") {
  const Csr graph = random_graph(200, 0.15, 4);
  for (const bool loop : {false, true}) {
    const SamplerContext context{.graph = graph.view(), .added_self_loop = loop, .key = {5}};
    const std::vector<std::int64_t> fanouts = {6, 11};
    const std::vector<NodeId> seeds = {17, 2, 199, 1, 0, 64};
    const MiniBatch batch = make_labor(context, fanouts)->sample(9, seeds);
    check_blocks(batch, context);
    for (std::uint32_t hop = 1; hop <= 2; ++hop) {
      const Block& block = batch.blocks[2 - hop];
      std::size_t wrong = 0;
      for (std::int64_t v = 0; v < block.destinations; ++v) {
        const NodeId node = block.sources[at(v)];
        std::vector<NodeId> row(graph.view().row(node).begin(), graph.view().row(node).end()), expected;
        if (loop) row.insert(std::lower_bound(row.begin(), row.end(), node), node);
        const double k = static_cast<double>(fanouts[hop - 1]), d = static_cast<double>(row.size());
        for (const NodeId u : row)
          if (d <= k || context.key.uniform(Purpose::labor, 9, hop, static_cast<std::uint32_t>(u)) <= k / d)
            expected.push_back(u);
        wrong += sources_of(block, v) != expected;
        wrong += block.inverse_inclusion[at(v)] != static_cast<float>(std::max(1.0, d / k));
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("labor meets fewer sources than ns for as many edges") {
  const Csr graph = random_graph(2000, 0.02, 12);
  const SamplerContext context{.graph = graph.view(), .key = {3}};
  const auto ns = make_ns(context, {8}), labor = make_labor(context, {8});
  std::vector<NodeId> seeds;
  for (NodeId v = 0; v < 200; ++v) seeds.push_back(7 * v);
  double ns_sources = 0, labor_sources = 0, ns_edges = 0, labor_edges = 0;
  for (std::uint32_t update = 0; update < 20; ++update) {
    const Block a = ns->sample(update, seeds).blocks[0], b = labor->sample(update, seeds).blocks[0];
    ns_sources += static_cast<double>(a.sources.size()) - 200;
    labor_sources += static_cast<double>(b.sources.size()) - 200;
    ns_edges += static_cast<double>(a.edges());
    labor_edges += static_cast<double>(b.edges());
  }
  CHECK(labor_edges == doctest::Approx(ns_edges).epsilon(0.03));
  CHECK(labor_sources < 0.75 * ns_sources);
}
