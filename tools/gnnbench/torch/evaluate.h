// Exact inference: all neighbours, layer by layer, in row chunks. Beside the input it holds two layers' rows, 4n(D_l + D_{l+1})
// bytes, and one more of the narrower where a layer multiplies first.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gnnbench/dataset.h"
#include "gnnbench/torch/network.h"

namespace tenfold::gnnbench {

// Logits [n, C] of all nodes.
torch::Tensor infer(const Network& network, const Dataset& data, std::int64_t row_chunk);

// Class of the greatest logit, the first of equals.
std::vector<std::int32_t> predicted_classes(const torch::Tensor& logits);

struct Correct {
  std::int64_t train = 0, val = 0, test = 0;
};
// Labelled nodes of each mask whose predicted class is their label.
Correct count_correct(std::span<const std::int32_t> classes, const Dataset& data);

}  // namespace tenfold::gnnbench
