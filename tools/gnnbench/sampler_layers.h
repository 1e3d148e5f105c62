// What samplers share that go outwards from the seeds, hop by hop (ns, labor): a hop's destinations are all nodes met so far, so
// that one table of local ids serves the whole batch and a block's sources begin with its destinations by themselves.
#pragma once

#include <span>
#include <vector>

#include "gnnbench/relabel_table.h"
#include "gnnbench/sampler.h"

namespace tenfold::gnnbench {

class LayeredSampler : public Sampler {
 public:
  LayeredSampler(const SamplerContext& context, std::vector<std::int64_t> fanouts);
  MiniBatch sample(std::uint32_t update, std::span<const NodeId> seeds) override;

 protected:
  // Calls add_row once for each of the first `destinations` nodes of sources(), in order. Hops count from 1.
  virtual void draw_hop(std::uint32_t update, std::uint32_t hop, std::int64_t fanout, std::int64_t destinations) = 0;

  // One destination's edges: global sources in CSR order, with the reciprocal of an edge's probability.
  void add_row(std::span<const NodeId> neighbours, float inverse_inclusion);

  // d_v: the in-degree and, where it counts, the loop.
  std::int64_t degree(NodeId v) const { return context_.graph.degree(v) + context_.added_self_loop; }
  // Puts v where it sorts into row[0, count), which ascends; row has room for one more.
  static void insert_sorted(NodeId* row, std::int64_t count, NodeId v);
  NodeId source(std::int64_t local) const { return sources_[static_cast<std::size_t>(local)]; }
  const SamplerContext& context() const { return context_; }
  const RelabelTable& table() const { return table_; }

 private:
  Block block_of_hop(std::uint32_t update, std::uint32_t hop, std::int64_t fanout);

  SamplerContext context_;
  std::vector<std::int64_t> fanouts_;
  RelabelTable table_;
  std::vector<NodeId> sources_;  // the batch's nodes so far, by local id
  // Of the hop under way; kept between batches, since fresh pages cost as much as the edges written to them.
  std::vector<EdgeIndex> indptr_;
  std::vector<NodeId> indices_;
  std::vector<float> inverse_inclusion_;
};

}  // namespace tenfold::gnnbench
