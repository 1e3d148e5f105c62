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

struct ReluDropout : torch::autograd::Function<ReluDropout> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const c10::intrusive_ptr<Mask>& mask) {
    by_type(x.scalar_type(), [&](auto real) {
      using Real = decltype(real);
      Tensor out = x;
      relu_dropout_rows(mask->key, mask->ids, reals<Real>(x), x.size(1), writable<Real>(out), mask->compute->pool);
    });
    ctx->mark_dirty({x});
    ctx->save_for_backward({x});
    ctx->saved_data["mask"] = c10::IValue::make_capsule(mask);
    return x;
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto mask = c10::static_intrusive_pointer_cast<Mask>(ctx->saved_data["mask"].toCapsule());
    const Tensor out = ctx->get_saved_variables()[0], dout = grads[0].contiguous();
    Tensor dx = torch::empty_like(dout);
    by_type(dout.scalar_type(), [&](auto real) {
      using Real = decltype(real);
      relu_dropout_backward<Real>(mask->key, reals<Real>(out), reals<Real>(dout), writable<Real>(dx), mask->compute->pool);
    });
    return {dx, Tensor()};
  }
};

c10::intrusive_ptr<Mask> mask_of(std::span<const NodeId> ids, const DropoutKey& key, const ComputePtr& compute) {
  auto mask = c10::make_intrusive<Mask>();
  mask->key = key;
  mask->ids = ids;
  mask->compute = compute;
  return mask;
}

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
  return KeyedDropout::apply(x, mask_of(ids, key, compute));
}

Tensor relu_dropout_(Tensor x, std::span<const NodeId> ids, const DropoutKey& key, const ComputePtr& compute) {
  return ReluDropout::apply(x, mask_of(ids, key, compute));
}

}  // namespace tenfold::gnnbench
