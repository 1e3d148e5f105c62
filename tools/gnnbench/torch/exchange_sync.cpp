#include "gnnbench/torch/exchange_rows.h"
#include "gnnbench/torch/exchange_systems.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

class SyncExchange final : public Exchange {
 public:
  explicit SyncExchange(const ExchangeContext& context) : context_(context) {}

  void begin(std::uint32_t update) override { update_ = update; }
  Tensor rows(const Tensor& inner, int layer) override {
    return exchange_rows(inner, c10::make_intrusive<ExchangeCall>(context_, context_.part->crossing, layer, update_, spent_s_));
  }
  GraphPtr graph(int) const override { return context_.part->graph; }
  void end() override {}
  std::optional<std::span<const NodeId>> inner() const override { return context_.part->inner_ids(); }
  std::map<std::string, Tensor> save() override { return {}; }
  void restore(const std::map<std::string, Tensor>&) override {}
  double spent_s() const override { return spent_s_; }
  std::string stream_digest() const override { return {}; }

 private:
  ExchangeContext context_;
  std::uint32_t update_ = 0;
  double spent_s_ = 0;
};

}  // namespace

std::unique_ptr<Exchange> make_sync_exchange(const ExchangeContext& context) { return std::make_unique<SyncExchange>(context); }

}  // namespace tenfold::gnnbench
