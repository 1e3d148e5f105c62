// Mini-batch samplers: ns (uniform neighbours without replacement), labor (LABOR-0), cluster (METIS parts). Draws are keyed by
// (seed, update, layer, node), so that they do not depend on threads, workers or resumption.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gnnbench/block.h"
#include "gnnbench/keyed_random.h"

namespace tenfold::gnnbench {

inline constexpr std::int64_t kAllNeighbours = -1;  // ns:all

struct SamplerContext {
  CsrView graph;
  bool added_self_loop = false;  // the model's self loop is an ordinary edge here: it counts in degrees and may be drawn
  RandomKey key;
  std::int64_t nodes() const { return graph.rows(); }
};

class Sampler {
 public:
  virtual ~Sampler() = default;
  // The batch of one update for these seeds (cluster: for these parts' numbers), which must differ from one another: Error(usage)
  // names a repeated one. Not thread safe: one object a thread.
  virtual MiniBatch sample(std::uint32_t update, std::span<const NodeId> seeds) = 0;
};

// ns: min(k, d_v) in-neighbours of each destination, uniformly without replacement; labor: the edge u -> v is kept iff the one
// uniform of (u, update, hop) is at most k / d_v (LABOR-0 of Balin and Catalyurek, "Layer-neighbor sampling", 2023).
// fanouts[0] is hop 1, next to the seeds; as many entries as layers, each at least 1 or kAllNeighbours (Error(usage) else).
std::unique_ptr<Sampler> make_ns(const SamplerContext& context, std::vector<std::int64_t> fanouts);
std::unique_ptr<Sampler> make_labor(const SamplerContext& context, std::vector<std::int64_t> fanouts);

// Cluster-GCN (Chiang et al. 2019): the subgraph that the chosen parts' nodes induce, edges between the parts included. parts
// [n]; seeds of sample() are part numbers; `train` [n] marks the loss's nodes with 1. Nodes ascend by global id; all `layers`
// blocks are this subgraph, with destinations = sources; loss_rows may be empty.
std::unique_ptr<Sampler> make_cluster(const SamplerContext& context, std::span<const std::int32_t> parts,
                                      std::span<const std::uint8_t> train, int layers);

}  // namespace tenfold::gnnbench
