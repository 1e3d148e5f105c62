#include "gnnbench/torch/exchange_rows.h"
#include "gnnbench/torch/exchange_systems.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

class SyncExchange final : public WorkerExchange {
 public:
  using WorkerExchange::WorkerExchange;

  Tensor rows(const Tensor& inner, int layer) override {
    return exchange_rows(inner, c10::make_intrusive<ExchangeCall>(context_, context_.part->crossing, layer, update_, spent_s_));
  }
};

}  // namespace

std::unique_ptr<Exchange> make_sync_exchange(const ExchangeContext& context) { return std::make_unique<SyncExchange>(context); }

}  // namespace tenfold::gnnbench
