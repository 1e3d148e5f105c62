// Full-graph training: every update is a pass over all rows of the worker's part.
#include <nlohmann/json.hpp>
#include <optional>

#include "gnnbench/torch/aggregate.h"
#include "gnnbench/torch/engine.h"
#include "gnnbench/torch/exchange.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

class FullGraphEngine final : public Engine {
 public:
  FullGraphEngine(const TrainInput& input, const Network& network, std::uint64_t seed, RunClock& clock, bool resumed)
      : input_(input), network_(network), key_{seed} {
    clock.enter(Section::setup);
    exchange_ = make_exchange(input, network, key_);
    inner_ = exchange_->inner();
    x_ = exchange_->input(input.data.features);
    find_loss_rows();
    clock.enter(resumed ? Section::other : Section::forward);
    if (precomputes()) x_.aggregated = aggregate_rows(x_.dense, *exchange_->graph(0), *network.compute());
    clock.enter(Section::other);
  }

  double backward(std::uint32_t update, RunClock& clock, const Watch& watch) override {
    const double spent_before = exchange_->spent_s();
    clock.enter(Section::forward);
    exchange_->begin(update);
    if (watch.profile) watch.profile->begin_update(exchange_.get());
    const Draws draws{.key = key_, .update = update, .on = true};
    LayerRows rows = x_;
    for (int l = 0; l < network_.spec().layers; ++l) {
      if (watch.profile) watch.profile->layer_begins();
      if (exchange_->exchanged(l)) rows = received(l, rows, draws);
      const bool stays = l + 1 < network_.spec().layers && !exchange_->exchanged(l + 1);
      const LayerRows out = network_.layer(l, rows, exchange_->graph(l), draws, stays ? exchange_->graph(l + 1) : GraphPtr());
      if (watch.profile) watch.profile->layer_ends(l, layer_shape(rows, exchange_->graph(l), out.dense), out.dense);
      rows = out;
    }
    const Tensor loss = cross_entropy(rows.dense, loss_rows_, labels_, input_.plan.train_nodes);
    if (watch.record) keep(*watch.record, rows.dense);
    rows = {};
    const double value = loss.item<double>();
    const double spent_forward = exchange_->spent_s();
    clock.move(Section::forward, Section::comm, spent_forward - spent_before);
    clock.enter(Section::backward);
    loss.backward();
    if (watch.profile) watch.profile->backward_ends();
    exchange_->end();
    clock.move(Section::backward, Section::comm, exchange_->spent_s() - spent_forward);
    return value;
  }

  std::int64_t loss_nodes(std::uint32_t) override { return input_.plan.train_nodes; }
  std::string draws() const override { return exchange_->draws(); }
  std::string stream_digest() const override { return exchange_->stream_digest(); }

  std::string save() override {
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (auto& [name, tensor] : exchange_->save()) tensors.emplace_back(name, tensor);
    return tensors.empty() ? "" : tensors_to_safetensors(tensors);
  }
  void restore(const std::string& saved) override {
    std::map<std::string, Tensor> tensors;
    if (!saved.empty())
      for (auto& [name, tensor] : tensors_from_safetensors(saved, "checkpoint")) tensors.emplace(name, tensor);
    exchange_->restore(tensors);
  }

 private:
  std::int64_t inner_rows() const { return inner_ ? static_cast<std::int64_t>(inner_->size()) : input_.data.nodes(); }
  NodeId inner_id(std::int64_t row) const { return inner_ ? (*inner_)[static_cast<std::size_t>(row)] : static_cast<NodeId>(row); }

  LayerRows received(int l, const LayerRows& inner, const Draws& draws) {
    const Tensor rows = exchange_->rows(inner.dense, l);
    if (l > 0 && exchange_->fresh()) return network_.exchanged_rows(l, rows, exchange_->graph(l), draws);
    return {.dense = rows, .sparse = {}, .aggregated = {}};
  }

  void find_loss_rows() {
    std::vector<std::int64_t> rows, labels;
    for (std::int64_t row = 0; row < inner_rows(); ++row) {
      const auto v = static_cast<std::size_t>(inner_id(row));
      if (static_cast<Part>(input_.data.split[v]) != Part::train) continue;
      rows.push_back(row);
      labels.push_back(input_.data.labels[v]);
    }
    loss_rows_ = torch::tensor(rows, torch::kInt64);
    labels_ = torch::tensor(labels, torch::kInt64);
  }

  // A X is constant where the first layer's aggregation is linear and nothing of X is dropped.
  bool precomputes() const {
    const ModelSpec& spec = network_.spec();
    return spec.precompute_first != Tristate::off && spec.linear_aggregation() && !x_.sparse && !(spec.dropout_input > 0) &&
           !exchange_->exchanged(0);
  }

  void keep(UpdateRecord& record, const Tensor& logits) const {
    record.nodes.clear();
    for (std::int64_t row = 0; row < inner_rows(); ++row) record.nodes.push_back(inner_id(row));
    record.logits = logits.detach().clone();
  }

  const TrainInput input_;
  const Network& network_;
  RandomKey key_;
  std::unique_ptr<Exchange> exchange_;
  std::optional<std::span<const NodeId>> inner_;
  LayerRows x_;
  Tensor loss_rows_, labels_;
};

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& rows, const Tensor& labels, std::int64_t total) {
  // index_select of no rows keeps the graph, so that a worker without labelled nodes gives zero gradients.
  const Tensor chosen = torch::log_softmax(logits.index_select(0, rows), 1);
  return torch::nll_loss(chosen, labels, {}, at::Reduction::Sum) / static_cast<double>(std::max<std::int64_t>(total, 1));
}

std::unique_ptr<Engine> make_full_graph_engine(const TrainInput& input, const Network& network, std::uint64_t seed,
                                               RunClock& clock, bool resumed) {
  return std::make_unique<FullGraphEngine>(input, network, seed, clock, resumed);
}

}  // namespace tenfold::gnnbench
