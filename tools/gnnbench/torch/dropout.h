// Dropout whose masks are functions of (seed, purpose, update, layer, node, feature): regenerated in the backward pass, equal on
// every worker that holds a copy of the node.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>

#include "gnnbench/keyed_dropout.h"
#include "gnnbench/torch/compute.h"

namespace tenfold::gnnbench {

// The random numbers of one update. `on` is false in evaluation.
struct Draws {
  RandomKey key;
  std::uint32_t update = 0;
  bool on = false;

  DropoutKey dropout(Purpose purpose, int layer, double rate) const {
    return {.key = key, .purpose = purpose, .update = update, .layer = static_cast<std::uint32_t>(layer), .p = rate};
  }
};

// x [rows, D] masked and scaled by 1/(1 - p); row i is node ids[i], or i where ids is empty. Not differentiable.
torch::Tensor dropped(const torch::Tensor& x, std::span<const NodeId> ids, const DropoutKey& key, Compute& compute);

// The same, differentiable. `ids` must outlive the backward pass. p = 0: x itself.
torch::Tensor keyed_dropout(const torch::Tensor& x, std::span<const NodeId> ids, const DropoutKey& key,
                            const ComputePtr& compute);

// keyed_dropout(relu(x)), p > 0, in place of x, which must be contiguous. The backward pass needs no mask: what is 0 passes none.
torch::Tensor relu_dropout_(torch::Tensor x, std::span<const NodeId> ids, const DropoutKey& key, const ComputePtr& compute);

}  // namespace tenfold::gnnbench
