// Which seeds an update works on. Each epoch has one keyed permutation of the training nodes (cluster: of the parts), the same
// on all workers; update g takes its next W B entries and worker w the w-th B of those. Of a last, smaller batch worker w takes
// entries [w B, (w + 1) B) of what is left, which may be none.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gnnbench/csr.h"
#include "gnnbench/keyed_random.h"

namespace tenfold::gnnbench {

// `nodes` by ascending keyed 64-bit word of (epoch, node), ties by id. Time O(n log n), once an epoch.
std::vector<NodeId> epoch_order(const RandomKey& key, std::uint32_t epoch, std::span<const NodeId> nodes);
// 0..parts-1 likewise.
std::vector<NodeId> part_order(const RandomKey& key, std::uint32_t epoch, std::int64_t parts);

// ceil(items / (workers * batch)); cluster: items = parts, batch = parts a batch.
std::int64_t updates_per_epoch(std::int64_t items, int workers, std::int64_t batch);

// Entries of `order` for update `index` of its epoch, in order.
std::span<const NodeId> worker_slice(std::span<const NodeId> order, std::int64_t index, int workers, int worker,
                                     std::int64_t batch);

// cluster:P:q. 0 takes the default: P = clamp(n / 256, 2, 15000), at most n; q = max(1, round(P B / train)). q is at most P.
// train > 0.
struct ClusterPlan {
  std::int64_t parts = 0;      // P
  std::int64_t per_batch = 0;  // q
  double mean_batch = 0;       // training nodes a worker and update, as realised: train / (W ceil(P / (q W)))
};
ClusterPlan plan_cluster(std::int64_t nodes, std::int64_t train, std::int64_t batch, int workers, std::int64_t parts = 0,
                         std::int64_t per_batch = 0);

}  // namespace tenfold::gnnbench
