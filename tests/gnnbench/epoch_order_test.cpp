// Epochs: keyed permutations, and who works on what of them.
#include "gnnbench/epoch_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "stats/distributions.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

TEST_CASE("an epoch visits each training node once, in an order of its own") {
  std::vector<NodeId> nodes;
  for (NodeId v = 0; v < 1000; ++v) nodes.push_back(3 * v + 1);
  const auto order = epoch_order({4}, 2, nodes);
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == nodes);
  CHECK(order != nodes);
  CHECK(epoch_order({4}, 3, nodes) != order);
  CHECK(epoch_order({5}, 2, nodes) != order);
  std::reverse(nodes.begin(), nodes.end());
  CHECK(epoch_order({4}, 2, nodes) == order);
  // A node's place among some does not depend on the others.
  const std::vector<NodeId> few = {1, 4, 7, 2998};
  std::vector<NodeId> kept = order;
  std::erase_if(kept, [&](NodeId v) { return std::find(few.begin(), few.end(), v) == few.end(); });
  CHECK(epoch_order({4}, 2, few) == kept);
}

TEST_CASE("every order of four parts is as likely as any other") {
  std::vector<double> count(256);
  for (std::uint32_t epoch = 0; epoch < 24000; ++epoch) {
    const auto order = part_order({6}, epoch, 4);
    ++count[static_cast<std::size_t>(order[0] + 4 * order[1] + 16 * order[2] + 64 * order[3])];
  }
  double statistic = 0;
  std::size_t seen = 0;
  for (const double c : count) {
    if (c == 0) continue;
    ++seen;
    statistic += (c - 1000) * (c - 1000) / 1000;
  }
  CHECK(seen == 24);
  CHECK(stats::chi_square_p(statistic, 23) > 1e-4);
}

TEST_CASE("workers share a global batch by consecutive slices, the last one as far as it goes") {
  std::vector<NodeId> order;
  for (NodeId v = 0; v < 10; ++v) order.push_back(v);
  const auto slice = [&](std::int64_t index, int worker) {
    const auto s = worker_slice(order, index, 2, worker, 3);
    return std::vector<NodeId>(s.begin(), s.end());
  };
  CHECK(updates_per_epoch(10, 2, 3) == 2);
  CHECK(slice(0, 0) == std::vector<NodeId>{0, 1, 2});
  CHECK(slice(0, 1) == std::vector<NodeId>{3, 4, 5});
  CHECK(slice(1, 0) == std::vector<NodeId>{6, 7, 8});
  CHECK(slice(1, 1) == std::vector<NodeId>{9});
  order.resize(7);
  CHECK(slice(1, 0) == std::vector<NodeId>{6});
  CHECK(slice(1, 1).empty());
  CHECK(updates_per_epoch(12, 2, 3) == 2);
  CHECK(updates_per_epoch(13, 2, 3) == 3);
  CHECK(updates_per_epoch(1, 4, 1000) == 1);
}

TEST_CASE("cluster's defaults") {
  // The demo graph: 60000 / 256 parts, 234 * 512 / 30000 = 3.99 a batch, ceil(234 / 4) = 59 updates.
  const ClusterPlan demo = plan_cluster(60000, 30000, 512, 1);
  CHECK(demo.parts == 234);
  CHECK(demo.per_batch == 4);
  CHECK(demo.mean_batch == doctest::Approx(30000.0 / 59));
  CHECK(plan_cluster(60000, 30000, 512, 2).mean_batch == doctest::Approx(30000.0 / 60));
  CHECK(plan_cluster(100, 50, 1024, 1).parts == 2);
  CHECK(plan_cluster(100, 50, 1024, 1).per_batch == 2);  // clamped to P
  CHECK(plan_cluster(1, 1, 1, 1).parts == 1);
  CHECK(plan_cluster(100000000, 1000000, 1, 1).parts == 15000);
  CHECK(plan_cluster(100000000, 1000000, 1, 1).per_batch == 1);
  CHECK(plan_cluster(1000, 500, 100, 1, 7, 9).per_batch == 7);
  CHECK(plan_cluster(1000, 500, 100, 1, 7, 3).per_batch == 3);
}
