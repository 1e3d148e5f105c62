// Hops outwards from the seeds.
#include "gnnbench/sampler_layers.h"

#include <fmt/format.h>

#include "base/error.h"

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

LayeredSampler::LayeredSampler(const SamplerContext& context, std::vector<std::int64_t> fanouts)
    : context_(context), fanouts_(std::move(fanouts)), table_(context.nodes()) {
  for (const std::int64_t k : fanouts_)
    if (k < 1 && k != kAllNeighbours) usage_error(fmt::format("a fanout is {}; it must be at least 1, or all", k));
}

MiniBatch LayeredSampler::sample(std::uint32_t update, std::span<const NodeId> seeds) {
  MiniBatch batch;
  table_.reset();
  sources_.clear();
  for (const NodeId v : seeds) {
    bool fresh = false;
    table_.insert(v, fresh);
    if (!fresh) usage_error(fmt::format("node {} is a seed twice", v));
    batch.loss_rows.push_back(static_cast<NodeId>(sources_.size()));
    sources_.push_back(v);
  }
  batch.seeds.assign(seeds.begin(), seeds.end());
  batch.blocks.resize(fanouts_.size());
  for (std::size_t hop = 1; hop <= fanouts_.size(); ++hop)
    batch.blocks[fanouts_.size() - hop] = block_of_hop(update, static_cast<std::uint32_t>(hop), fanouts_[hop - 1]);
  return batch;
}

Block LayeredSampler::block_of_hop(std::uint32_t update, std::uint32_t hop, std::int64_t fanout) {
  Block block;
  block.destinations = static_cast<std::int64_t>(sources_.size());
  indptr_.assign(1, 0);
  indices_.clear();
  inverse_inclusion_.clear();
  draw_hop(update, hop, fanout, block.destinations);
  block.sources = sources_;
  block.indptr = indptr_;
  block.indices = indices_;
  block.inverse_inclusion = inverse_inclusion_;
  return block;
}

void LayeredSampler::add_row(std::span<const NodeId> neighbours, float inverse_inclusion) {
  const std::size_t first = indices_.size(), known = sources_.size();
  indices_.resize(first + neighbours.size());
  sources_.resize(known + neighbours.size());
  NodeId* local = indices_.data() + first;
  NodeId* next = sources_.data() + known;
  for (const NodeId u : neighbours) {
    bool fresh = false;
    *local++ = table_.insert(u, fresh);
    *next = u;  // stays where it is new
    next += fresh;
  }
  sources_.resize(at(next - sources_.data()));
  indptr_.push_back(static_cast<EdgeIndex>(indices_.size()));
  inverse_inclusion_.push_back(inverse_inclusion);
}

void LayeredSampler::insert_sorted(NodeId* row, std::int64_t count, NodeId v) {
  std::int64_t place = count;
  for (; place > 0 && row[place - 1] > v; --place) row[place] = row[place - 1];
  row[place] = v;
}

}  // namespace tenfold::gnnbench
