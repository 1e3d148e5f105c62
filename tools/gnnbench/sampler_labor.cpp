// LABOR-0: one uniform r_u a source, update and hop; u -> v is kept iff r_u <= k / d_v. Each edge is kept as often as in ns, but
// destinations agree on their sources, so that a batch has fewer of them.
#include <algorithm>

#include "gnnbench/philox_kernels.h"
#include "gnnbench/sampler_layers.h"

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

class LaborSampler : public LayeredSampler {
 public:
  using LayeredSampler::LayeredSampler;

 protected:
  void draw_hop(std::uint32_t update, std::uint32_t hop, std::int64_t fanout, std::int64_t destinations) override {
    const PhiloxCommon common(context().key, Purpose::labor, update, hop);
    const PhiloxKernels& kernels = philox_kernels(best_instruction_set());
    for (std::int64_t i = 0; i < destinations; ++i) {
      const NodeId v = source(i);
      const auto neighbours = context().graph.row(v);
      const std::int64_t d = degree(v);
      if (i + kAhead < destinations) __builtin_prefetch(&context().graph.indptr[at(source(i + kAhead))]);
      kept_.resize(at(d));
      std::int64_t count = 0;
      const auto keep = [&](NodeId u) {
        table().prefetch(u);
        kept_[at(count++)] = u;
      };
      if (fanout == kAllNeighbours || d <= fanout) {
        for (const NodeId u : neighbours) keep(u);
        if (context().added_self_loop) insert_sorted(kept_.data(), count++, v);
        add_row({kept_.data(), at(count)}, 1);
        continue;
      }
      // r = bits 2^-53 is compared as integers: bits <= floor(k 2^53 / d).
      const auto limit =
          static_cast<std::uint64_t>((static_cast<unsigned __int128>(fanout) << 53) / static_cast<unsigned __int128>(d));
      bits_.resize(neighbours.size());
      kernels.uniform_bits(common, neighbours.data(), static_cast<std::int64_t>(neighbours.size()), bits_.data());
      for (std::size_t e = 0; e < neighbours.size(); ++e)
        if (bits_[e] <= limit) keep(neighbours[e]);
      if (context().added_self_loop) {
        std::uint64_t own = 0;
        kernels.uniform_bits(common, &v, 1, &own);
        if (own <= limit) insert_sorted(kept_.data(), count++, v);
      }
      add_row({kept_.data(), at(count)}, static_cast<float>(static_cast<double>(d) / static_cast<double>(fanout)));
    }
  }

 private:
  static constexpr std::int64_t kAhead = 8;
  std::vector<NodeId> kept_;
  std::vector<std::uint64_t> bits_;
};

}  // namespace

std::unique_ptr<Sampler> make_labor(const SamplerContext& context, std::vector<std::int64_t> fanouts) {
  return std::make_unique<LaborSampler>(context, std::move(fanouts));
}

}  // namespace tenfold::gnnbench
