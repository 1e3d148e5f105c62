#include "gnnbench/torch/dropout.h"

#include "gnnbench/torch/tensor_span.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct Mask : torch::CustomClassHolder {
  DropoutKey key;
  std::span<const NodeId> ids;
  ComputePtr compute;
};

// Linear: the gradient takes the same mask.
struct KeyedDropout : torch::autograd::Function<KeyedDropout> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const c10::intrusive_ptr<Mask>& mask) {
    ctx->saved_data["mask"] = c10::IValue::make_capsule(mask);
    return dropped(x, mask->ids, mask->key, *mask->compute);
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto mask = c10::static_intrusive_pointer_cast<Mask>(ctx->saved_data["mask"].toCapsule());
    return {dropped(grads[0], mask->ids, mask->key, *mask->compute), Tensor()};
  }
};

}  // namespace

Tensor dropped(const Tensor& given, std::span<const NodeId> ids, const DropoutKey& key, Compute& compute) {
  const Tensor x = given.contiguous();
  Tensor out = torch::empty_like(x);
  by_type(x.scalar_type(), [&](auto real) {
    using Real = decltype(real);
    dropout_rows(key, ids, reals<Real>(x), x.size(1), writable<Real>(out), compute.pool);
  });
  return out;
}

Tensor keyed_dropout(const Tensor& x, std::span<const NodeId> ids, const DropoutKey& key, const ComputePtr& compute) {
  if (!(key.p > 0)) return x;
  auto mask = c10::make_intrusive<Mask>();
  mask->key = key;
  mask->ids = ids;
  mask->compute = compute;
  return KeyedDropout::apply(x, mask);
}

}  // namespace tenfold::gnnbench
