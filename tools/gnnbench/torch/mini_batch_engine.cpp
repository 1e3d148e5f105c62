// Mini-batch training: an update computes on the blocks that a sampler draws for its seeds.
#include <algorithm>
#include <numeric>
#include <optional>

#include "gnnbench/draws_file.h"
#include "gnnbench/epoch_order.h"
#include "gnnbench/sampler.h"
#include "gnnbench/sampler_replayed.h"
#include "gnnbench/stream_digest.h"
#include "gnnbench/torch/agreed_partition.h"
#include "gnnbench/torch/engine.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

class MiniBatchEngine final : public Engine {
 public:
  MiniBatchEngine(const TrainInput& input, const Network& network, std::uint64_t seed, RunClock& clock)
      : input_(input), network_(network), key_{seed}, train_(input.data.part(Part::train)) {
    clock.enter(Section::setup);
    const bool loop = network.spec().adds_loop();
    const SamplerContext context{.graph = input.data.graph, .added_self_loop = loop, .key = key_};
    const SystemSpec& system = input.plan.system;
    if (!input.plan.options.replay_draws.empty()) replay_ = std::make_unique<DrawsFile>(input.plan, input.data);
    if (system.method == Method::cluster)
      sampler_ = cluster_sampler(context);
    else if (replay_)
      sampler_ = make_replayed(context, system, *replay_, rank());
    else if (system.method == Method::labor)
      sampler_ = make_labor(context, system.fanouts);
    else
      sampler_ = make_ns(context, system.fanouts);
    if (network.spec().kind == ModelKind::gcn) degrees_ = whole_degrees(input.data.graph, loop);
    clock.enter(Section::other);
  }

  double backward(std::uint32_t update, RunClock& clock, const Watch& watch) override {
    clock.enter(Section::sample);
    const MiniBatch batch = sampler_->sample(update, seeds(update));
    std::vector<GraphPtr> graphs;
    for (const Block& block : batch.blocks)
      graphs.push_back(block_graph(block, degrees_, network_.spec(), input_.plan.gcn_norm, network_.dtype()));
    clock.enter(Section::other);
    if (cluster())
      digest_->add_nodes(batch.blocks.front().sources);
    else
      digest_->add_edges(batch);
    if (input_.plan.options.record_draws)
      lines_ = cluster() ? nodes_line(update, rank(), batch.blocks.front().sources) : batch_lines(update, rank(), batch);

    clock.enter(Section::gather);
    const LayerRows x =
        gather_feature_rows(input_.data.features, batch.blocks.front().sources, network_.dtype(), true, *network_.compute());
    const auto [rows, labels] = loss_rows(batch);
    clock.enter(Section::forward);
    if (watch.profile) watch.profile->begin_update(nullptr);
    const Tensor logits = network_.forward(x, graphs, Draws{.key = key_, .update = update, .on = true}, watch.profile);
    const Tensor loss = cross_entropy(logits, rows, labels, loss_nodes(update));
    if (watch.record) keep(*watch.record, batch, logits.index_select(0, rows));
    const double value = loss.item<double>();
    clock.enter(Section::backward);
    loss.backward();
    if (watch.profile) watch.profile->backward_ends();
    return value;
  }

  std::int64_t loss_nodes(std::uint32_t update) override {
    if (replay_) return replayed_loss_nodes(update);
    const std::span<const NodeId> order = this->order(update);
    const std::int64_t a_batch = batch_size() * workers();
    const std::int64_t first = std::min(place(update) * a_batch, static_cast<std::int64_t>(order.size()));
    const std::int64_t last = std::min(first + a_batch, static_cast<std::int64_t>(order.size()));
    if (!cluster()) return last - first;
    std::int64_t nodes = 0;
    for (std::int64_t i = first; i < last; ++i)
      nodes += train_in_part_[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])];
    return nodes;
  }

  std::string draws() const override { return lines_; }
  std::string stream_digest() const override { return digest_->hex(); }
  std::string save() override { return digest_->save(); }
  void restore(const std::string& saved) override { digest_.emplace(saved); }

 private:
  bool cluster() const { return input_.plan.system.method == Method::cluster; }
  int workers() const { return input_.plan.system.workers; }
  int rank() const { return input_.transport ? input_.transport->rank() : 0; }
  std::int64_t batch_size() const { return cluster() ? input_.plan.system.cluster_per_batch : input_.plan.options.batch; }
  std::int64_t place(std::uint32_t update) const { return update % input_.plan.updates_per_epoch; }

  // The permutation of the update's epoch.
  std::span<const NodeId> order(std::uint32_t update) {
    const auto epoch = static_cast<std::uint32_t>(update / input_.plan.updates_per_epoch);
    if (order_.empty() || epoch != order_epoch_) {
      order_ = cluster() ? part_order(key_, epoch, input_.plan.system.cluster_parts) : epoch_order(key_, epoch, train_);
      order_epoch_ = epoch;
    }
    return order_;
  }

  // Of this worker: training nodes, or cluster's parts.
  std::span<const NodeId> seeds(std::uint32_t update) {
    if (!replay_) return worker_slice(order(update), place(update), workers(), rank(), batch_size());
    const WorkerDraws& drawn = replay_->of(update).workers[static_cast<std::size_t>(rank())];
    const std::optional<std::vector<NodeId>>& given = cluster() ? drawn.nodes : drawn.seeds;
    if (!given) replay_->refuse(0, "no draws of worker " + std::to_string(rank()));
    return *given;
  }

  std::int64_t replayed_loss_nodes(std::uint32_t update) {
    std::int64_t nodes = 0;
    for (const WorkerDraws& worker : replay_->of(update).workers) {
      if (worker.seeds) nodes += static_cast<std::int64_t>(worker.seeds->size());
      if (worker.nodes)
        for (const NodeId v : *worker.nodes) nodes += train_mask_[static_cast<std::size_t>(v)];
    }
    return nodes;
  }

  std::unique_ptr<Sampler> cluster_sampler(const SamplerContext& context) {
    const Dataset& data = input_.data;
    train_mask_.resize(data.split.size());
    for (std::size_t v = 0; v < train_mask_.size(); ++v) train_mask_[v] = static_cast<Part>(data.split[v]) == Part::train;
    if (replay_) {  // the file names nodes: each is a part of its own
      part_of_.resize(data.split.size());
      std::iota(part_of_.begin(), part_of_.end(), 0);
      return make_cluster(context, part_of_, train_mask_, network_.spec().layers);
    }
    // METIS minimises the cut here whatever full-graph workers minimise: more edges stay inside, and sooner.
    PartitionOptions options;
    options.objective = PartitionObjective::cut;
    options.seed = input_.plan.options.partition.seed;
    const int parts = static_cast<int>(input_.plan.system.cluster_parts);
    const Partition partition = agreed_partition(data, parts, options, input_.plan.options.partition_cache, input_.transport);
    part_of_ = partition.part_of;
    train_in_part_.assign(static_cast<std::size_t>(parts), 0);
    for (const NodeId v : train_) ++train_in_part_[static_cast<std::size_t>(part_of_[static_cast<std::size_t>(v)])];
    return make_cluster(context, part_of_, train_mask_, network_.spec().layers);
  }

  std::pair<Tensor, Tensor> loss_rows(const MiniBatch& batch) const {
    std::vector<std::int64_t> rows(batch.loss_rows.begin(), batch.loss_rows.end()), labels;
    for (const NodeId seed : batch.seeds) labels.push_back(input_.data.labels[static_cast<std::size_t>(seed)]);
    return {torch::tensor(rows, torch::kInt64), torch::tensor(labels, torch::kInt64)};
  }

  static void keep(UpdateRecord& record, const MiniBatch& batch, const Tensor& logits) {
    record.nodes.assign(batch.seeds.begin(), batch.seeds.end());
    record.logits = logits.detach().clone();
  }

  const TrainInput input_;
  const Network& network_;
  RandomKey key_;
  std::vector<NodeId> train_;
  std::vector<std::int32_t> part_of_;
  std::vector<std::uint8_t> train_mask_;
  std::vector<std::int64_t> train_in_part_;
  std::vector<EdgeIndex> degrees_;
  std::unique_ptr<Sampler> sampler_;
  std::optional<StreamDigest> digest_{std::in_place};
  std::vector<NodeId> order_;
  std::uint32_t order_epoch_ = 0;
  std::unique_ptr<DrawsFile> replay_;
  std::string lines_;  // of the last update
};

}  // namespace

std::unique_ptr<Engine> make_mini_batch_engine(const TrainInput& input, const Network& network, std::uint64_t seed,
                                               RunClock& clock) {
  return std::make_unique<MiniBatchEngine>(input, network, seed, clock);
}

}  // namespace tenfold::gnnbench
