// Our kernels' spans over LibTorch's contiguous tensors, and a call by the tensor's floating type.
#pragma once

#include <torch/torch.h>

#include <span>

namespace tenfold::gnnbench {

template <class Real>
std::span<const Real> reals(const torch::Tensor& tensor) {
  if (!tensor.defined()) return {};
  TORCH_INTERNAL_ASSERT(tensor.is_contiguous());
  return {tensor.const_data_ptr<Real>(), static_cast<std::size_t>(tensor.numel())};
}

template <class Real>
std::span<Real> writable(torch::Tensor& tensor) {
  TORCH_INTERNAL_ASSERT(tensor.is_contiguous());
  return {tensor.mutable_data_ptr<Real>(), static_cast<std::size_t>(tensor.numel())};
}

// f(Real{}) for float or double.
template <class F>
auto by_type(torch::Dtype dtype, F&& f) {
  return dtype == torch::kFloat64 ? f(double{}) : f(float{});
}

}  // namespace tenfold::gnnbench
