// BNS-GCN (Wan et al., MLSys 2022): in each epoch a worker sends each peer only a random share of its boundary nodes, the same in
// all exchanged layers. What arrives is scaled so that sums over neighbours are right on average.
#include <algorithm>
#include <cmath>
#include <optional>

#include "gnnbench/stream_digest.h"
#include "gnnbench/torch/exchange_rows.h"
#include "gnnbench/torch/exchange_systems.h"
#include "gnnbench/torch/tensor_span.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

class BnsExchange final : public WorkerExchange {
 public:
  BnsExchange(const ExchangeContext& context, const RandomKey& key, double rate, bool floor)
      : WorkerExchange(context), key_(key), rate_(rate), floor_(floor) {}

  void begin(std::uint32_t update) override {
    update_ = update;
    draw();
  }
  Tensor rows(const Tensor& inner, int layer) override {
    return exchange_rows(inner, c10::make_intrusive<ExchangeCall>(context_, crossing_, layer, update_, spent_s_));
  }
  GraphPtr graph(int layer) const override { return context_.exchanged(layer) ? graph_ : context_.part->graph; }
  std::map<std::string, Tensor> save() override {
    const std::string text = digest_->save();
    return {{"digest", torch::tensor(std::vector<std::int64_t>(text.begin(), text.end()), torch::kInt64)}};
  }
  void restore(const std::map<std::string, Tensor>& state) override {
    const std::span<const std::int64_t> text = reals<std::int64_t>(state.at("digest"));
    digest_.emplace(std::string(text.begin(), text.end()));
  }
  std::string stream_digest() const override { return digest_->hex(); }
  std::string draws() const override { return lines_; }

 private:
  // Both sides draw the same, as draws are keyed by the node and the receiver: only the rows travel.
  void draw() {
    const WorkerPart& part = *context_.part;
    const int workers = context_.transport->size(), rank = context_.transport->rank();
    crossing_ = Crossing();
    crossing_.halo_begin = {0};
    std::vector<NodeId> kept;  // places in part.ids
    std::vector<NodeId> nodes, ids;
    lines_.clear();
    for (int peer = 0; peer < workers; ++peer) {
      const auto p = static_cast<std::size_t>(peer);
      const std::vector<NodeId>& boundary = part.crossing.send[p];
      crossing_.send.push_back(keep(boundary, rank, peer));
      ids.clear();
      for (const NodeId row : crossing_.send.back()) ids.push_back(part.ids[static_cast<std::size_t>(row)]);
      digest_->add_nodes(ids);
      if (context_.record_draws && !boundary.empty()) lines_ += kept_line(update_, rank, peer, ids);

      nodes.clear();
      for (std::int64_t i = part.crossing.halo_begin[p]; i < part.crossing.halo_begin[p + 1]; ++i)
        nodes.push_back(static_cast<NodeId>(part.inner + i));
      const std::vector<NodeId> from_peer = keep(nodes, peer, rank);
      kept.insert(kept.end(), from_peer.begin(), from_peer.end());
      crossing_.halo_begin.push_back(static_cast<std::int64_t>(kept.size()));
      // 1/r, r = s / |B|. The softmax and the maximum are over the edges that survive, with nothing to make up for.
      const bool linear = context_.model.linear_aggregation();
      crossing_.factor.push_back(
          linear && !from_peer.empty() ? static_cast<double>(nodes.size()) / static_cast<double>(from_peer.size()) : 1.0);
    }
    graph_ = without_other_halo(context_.part, kept, context_.model);
  }

  // Of the boundary nodes from a sender to a receiver, at these places of part.ids (ascending, by node, too), those that are
  // kept.
  std::vector<NodeId> keep(const std::vector<NodeId>& places, int sender, int receiver) const {
    return context_.replay ? replayed(places, sender, receiver) : drawn(places, receiver);
  }

  std::vector<NodeId> replayed(const std::vector<NodeId>& places, int sender, int receiver) const {
    if (places.empty()) return {};
    const std::map<std::pair<int, int>, KeptNodes>& all = context_.replay->of(update_).kept;
    const auto there = all.find({sender, receiver});
    const std::string who = "from worker " + std::to_string(sender) + " to worker " + std::to_string(receiver);
    if (there == all.end()) context_.replay->refuse(0, "no draws " + who);
    const KeptNodes& kept = there->second;
    std::vector<NodeId> chosen;
    std::size_t next = 0;
    for (const NodeId place : places)
      if (next < kept.nodes.size() && kept.nodes[next] == context_.part->ids[static_cast<std::size_t>(place)]) {
        chosen.push_back(place);
        ++next;
      }
    if (next < kept.nodes.size())
      context_.replay->refuse(
          kept.line, "node " + std::to_string(kept.nodes[next]) + " is no boundary node " + who + ", or stands there twice");
    if (chosen.size() != kept_of(places.size()))
      context_.replay->refuse(kept.line, std::to_string(chosen.size()) + " of " + std::to_string(places.size()) +
                                             " boundary nodes are kept " + who + ", where there must be " +
                                             std::to_string(kept_of(places.size())));
    return chosen;
  }

  // The s with the smallest uniforms of (update, node, receiver).
  std::vector<NodeId> drawn(const std::vector<NodeId>& places, int receiver) const {
    const std::vector<NodeId>& all = context_.part->ids;
    const std::size_t s = kept_of(places.size());
    std::vector<std::pair<double, NodeId>> uniforms;
    uniforms.reserve(places.size());
    for (const NodeId place : places)
      uniforms.emplace_back(key_.uniform(Purpose::bns, update_, static_cast<std::uint32_t>(receiver),
                                         static_cast<std::uint32_t>(all[static_cast<std::size_t>(place)])),
                            place);
    std::nth_element(uniforms.begin(), uniforms.begin() + static_cast<std::ptrdiff_t>(s), uniforms.end());
    std::vector<NodeId> chosen;
    for (std::size_t i = 0; i < s; ++i) chosen.push_back(uniforms[i].second);
    std::sort(chosen.begin(), chosen.end());
    return chosen;
  }

  std::size_t kept_of(std::size_t boundary) const {
    if (boundary == 0) return 0;
    const double share = rate_ * static_cast<double>(boundary);
    if (floor_) return static_cast<std::size_t>(share);
    return static_cast<std::size_t>(std::max(1LL, std::llround(share)));
  }

  RandomKey key_;
  double rate_;
  bool floor_;
  Crossing crossing_;
  GraphPtr graph_;
  std::string lines_;  // of the last update
  std::optional<StreamDigest> digest_{std::in_place};
};

}  // namespace

std::unique_ptr<Exchange> make_bns_exchange(const ExchangeContext& context, const RandomKey& key, double rate, bool floor) {
  return std::make_unique<BnsExchange>(context, key, rate, floor);
}

}  // namespace tenfold::gnnbench
