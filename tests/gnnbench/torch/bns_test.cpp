// BNS-GCN's random boundaries: equal to sync at rate 1, unbiased below it, forward and backward, with the variance of a draw
// without replacement. [no 1/r, 1/r twice, degrees of what was drawn]
#include "doctest_torch.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "gnnbench/torch/aggregate.h"
#include "workers_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;
using torch::Tensor;

namespace {

constexpr int kDraws = 4000;

struct Moments {
  Tensor sum, squares;
  void add(const Tensor& x) {
    sum = sum.defined() ? sum + x : x.clone();
    squares = squares.defined() ? squares + x * x : x * x;
  }
  Tensor mean() const { return sum / kDraws; }
  Tensor variance() const { return (squares - sum * sum / kDraws) / (kDraws - 1); }
  // Largest distance from `exact` in standard errors; entries that never vary must be exact.
  double gap(const Tensor& exact) const {
    const Tensor error = (variance().clamp_min(0) / kDraws).sqrt();
    return ((mean() - exact).abs() / (error + 1e-12)).max().item<double>();
  }
};

Partition three_parts() {
  std::vector<std::int32_t> part_of(60);
  for (std::size_t v = 0; v < 60; ++v) part_of[v] = v % 7 < 3 ? 0 : v % 7 < 5 ? 1 : 2;
  return parts_of(part_of, 3);
}

}  // namespace

TEST_CASE("bns:1 is sync") {
  const Dataset data = random_task({.edges = 200, .seed = 51});
  for (const NamedModel& named : all_models()) {
    INFO(named.name);
    TrainOptions o = small_options("sync@3");
    o.model = named.spec;
    const Gradients sync = update_gradients(o, data, 2);
    o.system = "bns:1@3";
    check_equal(update_gradients(o, data, 2), sync);
  }
}

TEST_CASE("bns:0.5: the aggregation and its gradient are right on average over 4,000 draws; full degrees divide") {
  const Dataset data = random_task({.edges = 200, .seed = 52});
  const Tensor h = torch::randn({60, 2}, torch::kFloat64) + 1, weight = torch::randn({60, 2}, torch::kFloat64) + 1;
  for (const NamedModel& named : all_models()) {
    if (named.name != "sage mean without loops" && named.name != "gcn") continue;
    INFO(named.name);
    const GraphPtr whole = whole_graph(data.graph, true, named.spec, torch::kFloat64, true);
    Tensor inputs = h.clone().requires_grad_(true);
    const Tensor exact = aggregate(inputs, whole, one_thread());
    (exact * weight).sum().backward();
    std::vector<double> gaps(3), gradient_gaps(3);
    on_exchanges("bns:0.5", data, three_parts(), named.spec, torch::kFloat64, 9,
                 [&](Exchange& exchange, const WorkerPart& part, int rank) {
                   Moments forward, backward;
                   Tensor inner = rows_at(h, part.inner_ids()).requires_grad_(true);
                   for (std::uint32_t u = 0; u < kDraws; ++u) {
                     exchange.begin(u);
                     const Tensor y = aggregate(exchange.rows(inner, 1), exchange.graph(1), one_thread());
                     inner.mutable_grad() = Tensor();
                     (y * rows_at(weight, part.inner_ids())).sum().backward();
                     exchange.end();
                     forward.add(y.detach());
                     backward.add(inner.grad());
                   }
                   gaps[index(rank)] = forward.gap(rows_at(exact.detach(), part.inner_ids()));
                   gradient_gaps[index(rank)] = backward.gap(rows_at(inputs.grad(), part.inner_ids()));
                 });
    for (std::size_t rank = 0; rank < 3; ++rank) {
      CHECK(gaps[rank] < 4);
      CHECK(gradient_gaps[rank] < 4);
    }
  }
}

TEST_CASE("the sum of a boundary's received rows varies as drawing without replacement does: b^2 (1 - s/b) sigma^2 / s") {
  const Dataset data = random_task({.edges = 260, .seed = 53});
  const Tensor h = torch::randn({60, 1}, torch::kFloat64);
  for (const double rate : {0.25, 0.5}) {
    std::vector<std::vector<double>> ratios(3);
    on_exchanges(
        "bns:" + std::to_string(rate), data, three_parts(), ModelSpec(), torch::kFloat64, 9,
        [&](Exchange& exchange, const WorkerPart& part, int rank) {
          const Tensor inner = rows_at(h, part.inner_ids());
          std::vector<Moments> sums(3);
          for (std::uint32_t u = 0; u < kDraws; ++u) {
            exchange.begin(u);
            const Tensor rows = exchange.rows(inner, 1);
            const auto ids = exchange.graph(1)->source_ids;
            std::vector<double> sum(3);
            for (std::size_t i = index(part.inner); i < ids.size(); ++i)
              sum[index(three_parts().part_of[index(ids[i])])] += rows[static_cast<std::int64_t>(i)][0].item<double>();
            for (std::size_t peer = 0; peer < 3; ++peer) sums[peer].add(torch::tensor(sum[peer], torch::kFloat64));
          }
          for (std::size_t peer = 0; peer < 3; ++peer) {
            const std::int64_t first = part.crossing.halo_begin[peer], b = part.crossing.halo_begin[peer + 1] - first;
            if (b == 0) continue;
            const auto of_peer = std::span(part.ids).subspan(index(part.inner + first), index(b));
            const double sigma2 = rows_at(h, of_peer).var(0, true).item<double>();
            const auto count = static_cast<double>(b), s = std::max(1.0, std::round(rate * count));
            ratios[index(rank)].push_back(sums[peer].variance().item<double>() / (count * count * (1 - s / count) * sigma2 / s));
          }
        });
    for (const auto& of_worker : ratios) {
      CHECK(of_worker.size() == 2);
      for (const double ratio : of_worker) CHECK(ratio == doctest::Approx(1).epsilon(0.1));
    }
  }
}

TEST_CASE("each pair keeps the s nodes with the smallest keyed uniforms, the same in all layers; only those travel") {
  const Dataset data = random_task({.edges = 200, .seed = 54});
  const RandomKey key{9};
  const Tensor h = torch::randn({60, 3}, torch::kFloat64);
  for (const Aggregator aggregator : {Aggregator::mean, Aggregator::pool})
    for (const double rate : {0.01, 0.3}) {
      ModelSpec model;
      model.aggregator = aggregator;
      std::vector<int> wrong(3);
      on_exchanges(
          "bns:" + std::to_string(rate), data, three_parts(), model, torch::kFloat64, key.seed,
          [&](Exchange& exchange, const WorkerPart& part, int rank) {
            for (std::uint32_t u = 0; u < 5; ++u) {
              exchange.begin(u);
              const Tensor rows = exchange.rows(rows_at(h, part.inner_ids()), 1);
              wrong[index(rank)] += !torch::equal(rows, exchange.rows(rows_at(h, part.inner_ids()), 2));
              std::vector<NodeId> expected(part.ids.begin(), part.ids.begin() + part.inner);
              Tensor scale = torch::ones({part.inner, 1}, torch::kFloat64);
              for (std::size_t peer = 0; peer < 3; ++peer) {
                const std::int64_t first = part.crossing.halo_begin[peer], b = part.crossing.halo_begin[peer + 1] - first;
                if (b == 0) continue;
                std::vector<std::pair<double, NodeId>> drawn;
                for (std::int64_t i = first; i < first + b; ++i) {
                  const NodeId v = part.ids[index(part.inner + i)];
                  drawn.emplace_back(
                      key.uniform(Purpose::bns, u, static_cast<std::uint32_t>(rank), static_cast<std::uint32_t>(v)), v);
                }
                std::sort(drawn.begin(), drawn.end());
                const auto s = static_cast<std::size_t>(std::max(1.0, std::round(rate * static_cast<double>(b))));
                std::set<NodeId> kept;
                for (std::size_t i = 0; i < s; ++i) kept.insert(drawn[i].second);
                expected.insert(expected.end(), kept.begin(), kept.end());
                const double factor = aggregator == Aggregator::pool ? 1 : static_cast<double>(b) / static_cast<double>(s);
                scale = torch::cat({scale, torch::full({static_cast<std::int64_t>(s), 1}, factor, torch::kFloat64)});
              }
              const auto ids = exchange.graph(1)->source_ids;
              wrong[index(rank)] += !std::equal(ids.begin(), ids.end(), expected.begin(), expected.end());
                       // The maximum is over what survives, unscaled; layer 0 is whole.
              wrong[index(rank)] += largest_difference(rows, rows_at(h, expected) * scale) > 1e-12;
              wrong[index(rank)] += exchange.graph(0)->source_ids.size() != part.ids.size();
              wrong[index(rank)] += exchange.graph(1)->forward.edges() >= exchange.graph(0)->forward.edges();
            }
          });
      CHECK(wrong == std::vector<int>{0, 0, 0});
    }
}

TEST_CASE("pool and gat over the surviving edges alone: a maximum by hand") {
  const Dataset data = random_task({.edges = 200, .seed = 55});
  ModelSpec model;
  model.aggregator = Aggregator::pool;
  const Tensor h = torch::rand({60, 3}, torch::kFloat64);
  std::vector<double> gaps(3);
  on_exchanges("bns:0.5", data, three_parts(), model, torch::kFloat64, 9,
               [&](Exchange& exchange, const WorkerPart& part, int rank) {
                 exchange.begin(4);
                 const Tensor rows = exchange.rows(rows_at(h, part.inner_ids()), 1);
                 const auto ids = exchange.graph(1)->source_ids;
                 const std::set<NodeId> there(ids.begin(), ids.end());
                 Tensor expected = torch::zeros({part.inner, 3}, torch::kFloat64);
                 for (std::int64_t i = 0; i < part.inner; ++i) {
                   const NodeId v = part.ids[index(i)];
                   expected[i] = h[v];  // the loop
                   for (const NodeId u : data.graph.row(v))
                     if (there.contains(u)) expected[i] = torch::maximum(expected[i], h[u]);
                 }
                 gaps[index(rank)] = largest_difference(aggregate_max(rows, exchange.graph(1), one_thread()), expected);
               });
  for (const double gap : gaps) CHECK(gap == 0);
}

TEST_CASE("bns counts the bytes of s rows a pair, and floor may silence a pair") {
  const Dataset data = random_task({.edges = 200, .seed = 56});
  TrainOptions o = small_options("bns:0.4@3");
  o.updates = 2;
  o.partition.method = PartitionMethod::random;
  const Boundary border = boundary(data.graph, true, partition_graph(data.graph, true, 3, {}, o.partition));
  for (const bool floor : {false, true}) {
    o.bns_floor = floor;
    double rows = 0;
    for (const auto& from : border.send)
      for (const auto& to : from) {
        const double share = 0.4 * static_cast<double>(to.size());
        if (!to.empty()) rows += floor ? std::floor(share) : std::max(1.0, std::round(share));
      }
    StoppableRun run(3);
    const Json result = train_together(o, data, run);
    CHECK(result["bytes"]["forward"] == static_cast<std::uint64_t>(rows) * 8 * 4 * 2);
    CHECK(result["bytes"]["backward"] == result["bytes"]["forward"]);
  }
  o.system = "bns:0.001@3";
  StoppableRun run(3);
  CHECK(train_together(o, data, run)["bytes"]["forward"] == 0);
}
