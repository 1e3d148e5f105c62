#include "mtl/torch/optimiser.h"

namespace tenfold::mtl {
namespace {

constexpr double kEpsilon = 1e-8;

}  // namespace

void optimiser_step(std::map<std::string, at::Tensor>& parameters, const std::map<std::string, at::Tensor>& gradients,
                    const OptimiserSettings& settings, double lr, OptimiserState& state) {
  const at::NoGradGuard no_grad;
  const bool sgd = settings.kind == "sgd";
  std::vector<at::Tensor> values, grads, first, second, steps;
  for (const auto& [name, gradient] : gradients) {
    const at::Tensor& value = parameters.at(name);
    std::vector<at::Tensor>& moments = state.moments[name];
    while (moments.size() < (sgd ? 1u : 2u)) moments.push_back(at::zeros(value.sizes(), value.options().requires_grad(false)));
    values.push_back(value.detach());
    grads.push_back(gradient.contiguous());
    first.push_back(moments[0]);
    if (!sgd) second.push_back(moments[1]);
    steps.push_back(at::scalar_tensor(static_cast<double>(state.step + 1), at::kFloat));
  }
  ++state.step;
  if (values.empty()) return;
  if (sgd)
    at::_fused_sgd_(values, grads, first, settings.weight_decay, settings.momentum, lr, /*dampening=*/0, /*nesterov=*/false,
                    /*maximize=*/false, /*is_first_step=*/false);
  else if (settings.kind == "adam")
    at::_fused_adam_(values, grads, first, second, {}, steps, lr, settings.beta1, settings.beta2, settings.weight_decay, kEpsilon,
                     /*amsgrad=*/false, /*maximize=*/false);
  else
    at::_fused_adamw_(values, grads, first, second, {}, steps, lr, settings.beta1, settings.beta2, settings.weight_decay,
                      kEpsilon, /*amsgrad=*/false, /*maximize=*/false);
}

}  // namespace tenfold::mtl
