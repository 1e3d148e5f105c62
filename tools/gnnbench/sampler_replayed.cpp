#include "gnnbench/sampler_replayed.h"

#include <algorithm>

#include <fmt/format.h>

#include "gnnbench/sampler_layers.h"

namespace tenfold::gnnbench {
namespace {

class ReplayedSampler final : public LayeredSampler {
 public:
  ReplayedSampler(const SamplerContext& context, const SystemSpec& system, DrawsFile& file, int worker)
      : LayeredSampler(context, system.fanouts), labor_(system.method == Method::labor), file_(file), worker_(worker) {}

 protected:
  void draw_hop(std::uint32_t update, std::uint32_t hop, std::int64_t fanout, std::int64_t destinations) override {
    const HopDraws& drawn = file_.of(update).workers[static_cast<std::size_t>(worker_)].hops[hop - 1];
    sort_edges(drawn, destinations);
    std::size_t edge = 0;
    for (std::int64_t i = 0; i < destinations; ++i) {
      row_.clear();
      for (; edge < edges_.size() && edges_[edge].first == i; ++edge) row_.push_back(edges_[edge].second);
      add_checked_row(drawn, source(i), fanout);
    }
  }

 private:
  // By destination's place and source, as a sampler gives them.
  void sort_edges(const HopDraws& drawn, std::int64_t destinations) {
    edges_.clear();
    for (std::size_t e = 0; e < drawn.dst.size(); ++e) {
      const auto place = table().find(drawn.dst[e]);
      if (!place || *place >= destinations)
        file_.refuse(drawn.line, fmt::format("{} is a destination here, but no node of the hops before", drawn.dst[e]));
      edges_.emplace_back(*place, drawn.src[e]);
    }
    std::sort(edges_.begin(), edges_.end());
    if (const auto twice = std::adjacent_find(edges_.begin(), edges_.end()); twice != edges_.end())
      file_.refuse(drawn.line, fmt::format("the edge from {} to {} stands there twice", twice->second, source(twice->first)));
  }

  void add_checked_row(const HopDraws& drawn, NodeId v, std::int64_t fanout) {
    const auto neighbours = context().graph.row(v);
    for (const NodeId u : row_)
      if (!(u == v && context().added_self_loop) && !std::binary_search(neighbours.begin(), neighbours.end(), u))
        file_.refuse(drawn.line, fmt::format("the graph has no edge from {} to {}", u, v));
    const std::int64_t d = degree(v), k = fanout == kAllNeighbours ? d : std::min(fanout, d);
    const auto kept = static_cast<std::int64_t>(row_.size());
    if ((!labor_ || k == d) && kept != k)
      file_.refuse(drawn.line, fmt::format("{} of the {} in-neighbours of {} are kept, where there must be {}", kept, d, v, k));
    add_row(row_, k > 0 ? static_cast<float>(static_cast<double>(d) / static_cast<double>(k)) : 1.f);
  }

  bool labor_;
  DrawsFile& file_;
  int worker_;
  std::vector<std::pair<NodeId, NodeId>> edges_;
  std::vector<NodeId> row_;
};

}  // namespace

std::unique_ptr<Sampler> make_replayed(const SamplerContext& context, const SystemSpec& system, DrawsFile& file, int worker) {
  return std::make_unique<ReplayedSampler>(context, system, file, worker);
}

}  // namespace tenfold::gnnbench
