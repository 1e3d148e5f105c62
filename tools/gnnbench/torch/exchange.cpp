#include "gnnbench/torch/exchange.h"

#include "base/error.h"

namespace tenfold::gnnbench {
namespace {

class WholeGraph final : public Exchange {
 public:
  explicit WholeGraph(GraphPtr graph) : graph_(std::move(graph)) {}
  void begin(std::uint32_t) override {}
  torch::Tensor rows(const torch::Tensor& inner, int) override { return inner; }
  GraphPtr graph(int) const override { return graph_; }
  void end() override {}
  std::span<const NodeId> inner() const override { return {}; }
  std::map<std::string, torch::Tensor> save() override { return {}; }
  void restore(const std::map<std::string, torch::Tensor>&) override {}
  double spent_s() const override { return 0; }
  std::string stream_digest() const override { return {}; }

 private:
  GraphPtr graph_;
};

}  // namespace

std::unique_ptr<Exchange> make_whole_graph_exchange(GraphPtr graph) { return std::make_unique<WholeGraph>(std::move(graph)); }

std::unique_ptr<Exchange> make_exchange(const TrainInput& input, const Network& network, const RandomKey&) {
  const Dataset& data = input.data;
  if (input.plan.system.workers > 1) usage_error(to_string(input.plan.system) + ": full-graph training has one worker here");
  const bool symmetric = data.direction == Direction::symmetric || is_symmetric(data.graph);
  return make_whole_graph_exchange(whole_graph(data.graph, symmetric, network.spec(), network.dtype(), true));
}

}  // namespace tenfold::gnnbench
