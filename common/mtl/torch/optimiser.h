// AdamW, Adam and SGD with momentum, their moments by parameter name, so that they can be sliced like the weights when channels
// are removed, and saved. The steps themselves are LibTorch's fused kernels.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tenfold::mtl {

struct OptimiserSettings {
  std::string kind = "adamw";  // adamw | adam (decay added to the gradient) | sgd
  double weight_decay = 1e-2;
  double beta1 = 0.9, beta2 = 0.999;  // of adam and adamw
  double momentum = 0.9;              // of sgd
};

struct OptimiserState {
  std::int64_t step = 0;  // taken so far
  // adam, adamw: mean and mean square of the gradients; sgd: the velocity. Shaped as the parameter.
  std::map<std::string, std::vector<at::Tensor>> moments;
};

// One step of every parameter that has a gradient; moments of one seen for the first time begin at 0.
void optimiser_step(std::map<std::string, at::Tensor>& parameters, const std::map<std::string, at::Tensor>& gradients,
                    const OptimiserSettings& settings, double lr, OptimiserState& state);

}  // namespace tenfold::mtl
