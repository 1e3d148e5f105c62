// Mini-batch samplers: ns (uniform neighbours without replacement), labor (LABOR-0), cluster (METIS parts). Draws are keyed by
// (seed, update, layer, node), so that they do not depend on threads, workers or resumption.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
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
  // The batch of one update for these seeds (cluster: for these parts' numbers). Not thread safe: one object a thread.
  virtual MiniBatch sample(std::uint32_t update, std::span<const NodeId> seeds) = 0;
};

// fanouts[0] is hop 1, next to the seeds; as many entries as layers.
std::unique_ptr<Sampler> make_ns(const SamplerContext& context, std::vector<std::int64_t> fanouts);
std::unique_ptr<Sampler> make_labor(const SamplerContext& context, std::vector<std::int64_t> fanouts);
// parts [n]; seeds of sample() are part numbers; `train` marks the loss's nodes. Every block is the induced subgraph.
std::unique_ptr<Sampler> make_cluster(const SamplerContext& context, std::span<const std::int32_t> parts,
                                      std::span<const std::uint8_t> train, int layers);

// Maps global ids to local ones, epoch-stamped: a reset costs nothing. 8 bytes a node.
class RelabelTable {
 public:
  explicit RelabelTable(std::int64_t nodes);
  void reset();
  // The local id of `node`, which gets the next one where it has none; sets `fresh`.
  NodeId insert(NodeId node, bool& fresh);
  std::optional<NodeId> find(NodeId node) const;
  std::int64_t size() const { return next_; }

 private:
  std::vector<std::uint32_t> stamp_;
  std::vector<NodeId> local_;
  std::uint32_t now_ = 0;
  NodeId next_ = 0;
};

}  // namespace tenfold::gnnbench
