// Which seeds an update works on.
#include "gnnbench/epoch_order.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace tenfold::gnnbench {

namespace {

std::vector<NodeId> keyed_order(const RandomKey& key, Purpose purpose, std::uint32_t epoch, std::span<const NodeId> ids) {
  std::vector<std::pair<std::uint64_t, NodeId>> drawn;
  drawn.reserve(ids.size());
  for (const NodeId id : ids) {
    const auto words = key.words(purpose, epoch, 0, static_cast<std::uint32_t>(id), 0);
    drawn.emplace_back(static_cast<std::uint64_t>(words[0]) << 32 | words[1], id);
  }
  std::sort(drawn.begin(), drawn.end());
  std::vector<NodeId> order;
  order.reserve(ids.size());
  for (const auto& entry : drawn) order.push_back(entry.second);
  return order;
}

}  // namespace

std::vector<NodeId> epoch_order(const RandomKey& key, std::uint32_t epoch, std::span<const NodeId> nodes) {
  return keyed_order(key, Purpose::epoch_order, epoch, nodes);
}

std::vector<NodeId> part_order(const RandomKey& key, std::uint32_t epoch, std::int64_t parts) {
  std::vector<NodeId> all(static_cast<std::size_t>(parts));
  std::iota(all.begin(), all.end(), 0);
  return keyed_order(key, Purpose::cluster_order, epoch, all);
}

std::int64_t updates_per_epoch(std::int64_t items, int workers, std::int64_t batch) {
  const std::int64_t together = workers * batch;
  return (items + together - 1) / together;
}

std::span<const NodeId> worker_slice(std::span<const NodeId> order, std::int64_t index, int workers, int worker,
                                     std::int64_t batch) {
  const auto size = static_cast<std::int64_t>(order.size());
  const std::int64_t begin = std::min(size, (index * workers + worker) * batch);
  const std::int64_t end = std::min(size, begin + batch);
  return order.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

ClusterPlan plan_cluster(std::int64_t nodes, std::int64_t train, std::int64_t batch, int workers, std::int64_t parts,
                         std::int64_t per_batch) {
  ClusterPlan plan;
  plan.parts = parts > 0 ? parts : std::min(nodes, std::clamp<std::int64_t>(nodes / 256, 2, 15000));
  const double share = static_cast<double>(plan.parts) * static_cast<double>(batch) / static_cast<double>(train);
  plan.per_batch = per_batch > 0 ? per_batch : std::max<std::int64_t>(1, std::llround(share));
  plan.per_batch = std::min(plan.per_batch, plan.parts);
  const std::int64_t updates = updates_per_epoch(plan.parts, workers, plan.per_batch);
  plan.mean_batch = static_cast<double>(train) / static_cast<double>(workers * updates);
  return plan;
}

}  // namespace tenfold::gnnbench
