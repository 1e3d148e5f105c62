// Rows of this very update to and from the peers, as a differentiable operation: what sync and bns do before each exchanged
// layer.
#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "gnnbench/torch/exchange_systems.h"

namespace tenfold::gnnbench {

// Where it happens. The context's transport, the crossing and the seconds must outlive the backward pass.
struct ExchangeCall : torch::CustomClassHolder {
  ExchangeCall(const ExchangeContext& context, const Crossing& rows, int layer_, std::uint32_t update_, double& spent)
      : transport(context.transport),
        compute(context.compute),
        crossing(&rows),
        layer(layer_),
        update(update_),
        spent_s(&spent) {}

  Transport* transport;
  ComputePtr compute;
  const Crossing* crossing;
  int layer;
  std::uint32_t update;
  double* spent_s;  // added to, forward and backward
};

// inner [inner, D] -> [inner + received, D]: this worker's rows, then those of its peers times their factor. Backward: gradients
// of received rows, times the same factor, go to their owners; here come those of the rows sent, which are added in rank order.
torch::Tensor exchange_rows(const torch::Tensor& inner, const c10::intrusive_ptr<ExchangeCall>& call);

}  // namespace tenfold::gnnbench
