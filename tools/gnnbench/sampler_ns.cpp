// Neighbour sampling: min(k, d) in-neighbours of each destination, uniformly and without replacement, by Floyd's algorithm
// (Bentley and Floyd, "A sample of brilliance", 1987): k numbers for k picks, whatever the degree.
//
// Time goes to two random cache lines an edge, the neighbour's id and its entry in the relabel table. A tile of destinations is
// therefore worked through in three sweeps, each of which asks for the lines that the next one reads.
#include <algorithm>
#include <array>

#include "gnnbench/sampler_layers.h"

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr std::int64_t kTile = 16;  // destinations

// The words of (update, hop, node), one after another.
class NodeWords {
 public:
  NodeWords(const RandomKey& key, std::uint32_t update, std::uint32_t hop, NodeId node)
      : key_(key), update_(update), hop_(hop), node_(static_cast<std::uint32_t>(node)) {}

  // In [0, n), n <= 2^31, without bias (Lemire 2019).
  std::uint32_t below(std::uint32_t n) {
    std::uint64_t product = std::uint64_t{next()} * n;
    if (static_cast<std::uint32_t>(product) < n) {
      const std::uint32_t refused = -n % n;
      while (static_cast<std::uint32_t>(product) < refused) product = std::uint64_t{next()} * n;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

 private:
  std::uint32_t next() {
    if (used_ % 4 == 0) words_ = key_.words(Purpose::ns, update_, hop_, node_, used_ / 4);
    return words_[used_++ % 4];
  }
  const RandomKey& key_;
  std::uint32_t update_, hop_, node_, used_ = 0;
  std::array<std::uint32_t, 4> words_{};
};

// k distinct numbers below d, ascending, into out[0, k).
void floyd(NodeWords& words, std::int64_t k, std::int64_t d, std::int32_t* out) {
  for (std::int64_t i = 0; i < k; ++i) {
    const auto last = static_cast<std::int32_t>(d - k + i);  // greater than all picked so far
    const auto pick = static_cast<std::int32_t>(words.below(static_cast<std::uint32_t>(last) + 1));
    std::int64_t place = i;
    while (place > 0 && out[place - 1] > pick) --place;
    if (place > 0 && out[place - 1] == pick) {
      out[i] = last;
      continue;
    }
    std::copy_backward(out + place, out + i, out + i + 1);
    out[place] = pick;
  }
}

class NeighbourSampler : public LayeredSampler {
 public:
  using LayeredSampler::LayeredSampler;

 protected:
  void draw_hop(std::uint32_t update, std::uint32_t hop, std::int64_t fanout, std::int64_t destinations) override {
    const CsrView graph = context().graph;
    std::array<std::int64_t, kTile + 1> start;  // of a destination's picks
    for (std::int64_t tile = 0; tile < destinations; tile += kTile) {
      const std::int64_t here = std::min(kTile, destinations - tile);
      for (std::int64_t i = tile + kTile; i < std::min(tile + 2 * kTile, destinations); ++i)
        __builtin_prefetch(&graph.indptr[at(source(i))]);
      start[0] = 0;
      for (std::int64_t i = 0; i < here; ++i)
        start[at(i) + 1] = start[at(i)] + pick(update, hop, fanout, source(tile + i), start[at(i)]);
      for (std::int64_t i = 0; i < here; ++i) look_up(source(tile + i), start[at(i)], start[at(i) + 1]);
      for (std::int64_t i = 0; i < here; ++i) {
        const std::int64_t kept = start[at(i) + 1] - start[at(i)];
        const auto d = static_cast<double>(degree(source(tile + i)));
        add_row({ids_.data() + start[at(i)], at(kept)}, kept > 0 ? static_cast<float>(d / static_cast<double>(kept)) : 1.f);
      }
    }
  }

 private:
  // Places in v's row, ascending, into picks_[first..]; the last place stands for the added loop. Returns how many.
  std::int64_t pick(std::uint32_t update, std::uint32_t hop, std::int64_t fanout, NodeId v, std::int64_t first) {
    const std::int64_t d = degree(v), k = fanout == kAllNeighbours ? d : std::min(fanout, d);
    if (picks_.size() < at(first + k)) {
      picks_.resize(at(2 * (first + k)));
      ids_.resize(picks_.size());
    }
    std::int32_t* out = picks_.data() + first;
    if (k == d) {
      for (std::int64_t i = 0; i < k; ++i) out[i] = static_cast<std::int32_t>(i);
    } else {
      NodeWords words(context().key, update, hop, v);
      floyd(words, k, d, out);
    }
    const NodeId* row = context().graph.indices.data() + context().graph.indptr[at(v)];
    for (std::int64_t i = 0; i < k; ++i) __builtin_prefetch(row + out[i]);
    return k;
  }

  // The picks' ids into ids_, ascending.
  void look_up(NodeId v, std::int64_t first, std::int64_t end) {
    const auto row = context().graph.row(v);
    const bool loop = end > first && at(picks_[at(end - 1)]) == row.size();
    const std::int64_t neighbours = end - first - loop;
    NodeId* ids = ids_.data() + first;
    for (std::int64_t i = 0; i < neighbours; ++i) {
      ids[i] = row[at(picks_[at(first + i)])];
      table().prefetch(ids[i]);
    }
    if (loop) insert_sorted(ids, neighbours, v);
  }

  std::vector<std::int32_t> picks_;
  std::vector<NodeId> ids_;
};

}  // namespace

std::unique_ptr<Sampler> make_ns(const SamplerContext& context, std::vector<std::int64_t> fanouts) {
  return std::make_unique<NeighbourSampler>(context, std::move(fanouts));
}

}  // namespace tenfold::gnnbench
