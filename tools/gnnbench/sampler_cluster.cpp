// Cluster-GCN: the subgraph that the chosen parts' nodes induce.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "gnnbench/relabel_table.h"
#include "gnnbench/sampler.h"

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

class ClusterSampler : public Sampler {
 public:
  ClusterSampler(const SamplerContext& context, std::span<const std::int32_t> parts, std::span<const std::uint8_t> train,
                 int layers)
      : context_(context), train_(train), layers_(layers), table_(context.nodes()) {
    // Nodes by part, ascending in each.
    const std::int32_t count = parts.empty() ? 0 : *std::max_element(parts.begin(), parts.end()) + 1;
    first_.assign(at(count) + 1, 0);
    for (const std::int32_t p : parts) ++first_[at(p) + 1];
    for (std::size_t p = 0; p + 1 < first_.size(); ++p) first_[p + 1] += first_[p];
    nodes_.resize(parts.size());
    std::vector<std::int64_t> next(first_.begin(), first_.end() - 1);
    for (std::size_t v = 0; v < parts.size(); ++v) nodes_[at(next[at(parts[v])]++)] = static_cast<NodeId>(v);
  }

  MiniBatch sample(std::uint32_t, std::span<const NodeId> parts) override {
    MiniBatch batch;
    const std::vector<NodeId> nodes = nodes_of(parts);
    table_.reset();
    bool fresh = false;
    for (const NodeId v : nodes) table_.insert(v, fresh);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (train_[at(nodes[i])] == 0) continue;
      batch.seeds.push_back(nodes[i]);
      batch.loss_rows.push_back(static_cast<NodeId>(i));
    }
    batch.blocks.assign(at(layers_), induced(nodes));
    return batch;
  }

 private:
  std::vector<NodeId> nodes_of(std::span<const NodeId> parts) const {
    std::vector<NodeId> chosen(parts.begin(), parts.end()), nodes;
    std::sort(chosen.begin(), chosen.end());
    if (const auto twice = std::adjacent_find(chosen.begin(), chosen.end()); twice != chosen.end())
      usage_error(fmt::format("part {} is chosen twice", *twice));
    for (const NodeId p : chosen)  // an empty part has no bounds where it is the last
      if (at(p) + 1 < first_.size())
        nodes.insert(nodes.end(), nodes_.begin() + first_[at(p)], nodes_.begin() + first_[at(p) + 1]);
    std::sort(nodes.begin(), nodes.end());
    return nodes;
  }

  Block induced(const std::vector<NodeId>& nodes) const {
    Block block;
    block.destinations = static_cast<std::int64_t>(nodes.size());
    block.sources = nodes;
    block.indptr.assign(1, 0);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      // Local ids ascend as global ones do, so the loop stands before the first greater neighbour.
      const auto own = static_cast<NodeId>(i);
      bool loop = context_.added_self_loop;
      for (const NodeId u : context_.graph.row(nodes[i])) {
        const auto local = table_.find(u);
        if (!local) continue;
        if (loop && *local > own) {
          block.indices.push_back(own);
          loop = false;
        }
        block.indices.push_back(*local);
      }
      if (loop) block.indices.push_back(own);
      block.indptr.push_back(static_cast<EdgeIndex>(block.indices.size()));
    }
    return block;
  }

  SamplerContext context_;
  std::span<const std::uint8_t> train_;
  int layers_;
  RelabelTable table_;
  std::vector<std::int64_t> first_;  // [parts + 1] into nodes_
  std::vector<NodeId> nodes_;
};

}  // namespace

std::unique_ptr<Sampler> make_cluster(const SamplerContext& context, std::span<const std::int32_t> parts,
                                      std::span<const std::uint8_t> train, int layers) {
  return std::make_unique<ClusterSampler>(context, parts, train, layers);
}

}  // namespace tenfold::gnnbench
