#include "gnnbench/torch/exchange.h"

#include "base/error.h"
#include "gnnbench/torch/agreed_partition.h"
#include "gnnbench/torch/exchange_systems.h"
#include "gnnbench/torch/input_rows.h"

namespace tenfold::gnnbench {
namespace {

class WholeGraph final : public Exchange {
 public:
  WholeGraph(GraphPtr graph, torch::Dtype dtype) : graph_(std::move(graph)), dtype_(dtype) {}
  LayerRows input(const Features& features) override { return all_feature_rows(features, graph_->sources, dtype_, true); }
  bool exchanged(int) const override { return false; }
  void begin(std::uint32_t) override {}
  torch::Tensor rows(const torch::Tensor& inner, int) override { return inner; }
  GraphPtr graph(int) const override { return graph_; }
  void end() override {}
  std::optional<std::span<const NodeId>> inner() const override { return std::nullopt; }
  std::map<std::string, torch::Tensor> save() override { return {}; }
  void restore(const std::map<std::string, torch::Tensor>&) override {}
  double spent_s() const override { return 0; }
  std::string stream_digest() const override { return {}; }

 private:
  GraphPtr graph_;
  torch::Dtype dtype_;
};

}  // namespace

LayerRows WorkerExchange::input(const Features& features) {
  if (!context_.refetch_input)
    return fetch_input_rows(features, *context_.part, *context_.transport, context_.dtype, *context_.compute);
  if (features.sparse()) usage_error("--refetch-input: sparse features are fetched once; --store dense makes them travel");
  return gather_feature_rows(features, context_.part->inner_ids(), context_.dtype, true, *context_.compute);
}

std::unique_ptr<Exchange> make_exchange(const TrainInput& input, const Network& network, const RandomKey& key) {
  const Dataset& data = input.data;
  const TrainOptions& options = input.plan.options;
  const SystemSpec& system = input.plan.system;
  const bool symmetric = data.direction == Direction::symmetric || is_symmetric(data.graph);
  if (system.workers == 1)
    return std::make_unique<WholeGraph>(whole_graph(data.graph, symmetric, network.spec(), network.dtype(), true),
                                        network.dtype());
  const Partition partition = agreed_partition(data, system.workers, options.partition, options.partition_cache, input.transport);
  const ExchangeContext context{
      .part = make_worker_part(data.graph, symmetric, partition, input.transport->rank(), network.spec(), network.dtype()),
      .transport = input.transport,
      .compute = network.compute(),
      .model = network.spec(),
      .dtype = network.dtype(),
      .refetch_input = options.refetch_input,
      .record_draws = options.record_draws,
      .replay = options.replay_draws.empty() ? nullptr : std::make_shared<DrawsFile>(input.plan, data)};
  switch (system.method) {
    case Method::pipe: return make_pipe_exchange(context);
    case Method::bns: return make_bns_exchange(context, key, system.bns_rate, options.bns_floor);
    default: return make_sync_exchange(context);
  }
}

}  // namespace tenfold::gnnbench
