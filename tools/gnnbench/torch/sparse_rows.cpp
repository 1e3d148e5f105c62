#include "gnnbench/torch/sparse_rows.h"

#include "gnnbench/torch/tensor_span.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// rows [count] times dense [*, width].
Tensor multiply(CsrView rows, const Tensor& values, std::span<const EdgeIndex> edge_of, const Tensor& dense, Compute& compute) {
  Tensor out = torch::empty({rows.rows(), dense.size(1)}, dense.options());
  by_type(dense.scalar_type(), [&](auto real) {
    using Real = decltype(real);
    SpmmInputOf<Real> input;
    input.graph = rows;
    input.weights = reals<Real>(values);
    input.edge_of = edge_of;
    input.x = reals<Real>(dense);
    input.width = dense.size(1);
    spmm(input, Reduce::sum, writable<Real>(out), compute.pool);
  });
  return out;
}

CsrView first_rows(CsrView rows, std::int64_t count) {
  const std::span<const EdgeIndex> indptr = rows.indptr.first(index(count) + 1);
  return {indptr, rows.indices.first(index(indptr.back()))};
}

struct SparseLinear : torch::autograd::Function<SparseLinear> {
  static Tensor forward(AutogradContext* ctx, const Tensor& weight, const SparsePtr& x, std::int64_t count,
                        const ComputePtr& compute) {
    ctx->saved_data["x"] = c10::IValue::make_capsule(x);
    ctx->saved_data["compute"] = c10::IValue::make_capsule(compute);
    return multiply(first_rows(x->rows, count), x->values, {}, weight.t().contiguous(), *compute);
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto x = c10::static_intrusive_pointer_cast<SparseRows>(ctx->saved_data["x"].toCapsule());
    const auto compute = c10::static_intrusive_pointer_cast<Compute>(ctx->saved_data["compute"].toCapsule());
    Tensor dy = grads[0].contiguous();
    if (dy.size(0) < x->rows.rows()) {  // rows beyond the first `count` had no part in it
      Tensor all = torch::zeros({x->rows.rows(), dy.size(1)}, dy.options());
      all.narrow(0, 0, dy.size(0)).copy_(dy);
      dy = all;
    }
    const Tensor dw = multiply(x->transposed->csr.view(), x->values, x->transposed->edge_of, dy, *compute);
    return {dw.t().contiguous(), Tensor(), Tensor(), Tensor()};
  }
};

Tensor value_tensor(std::span<const float> values, torch::Dtype dtype) {
  return torch::from_blob(const_cast<float*>(values.data()), {static_cast<std::int64_t>(values.size())}, torch::kFloat32)
      .to(dtype);
}

}  // namespace

SparsePtr all_sparse_rows(const Features& features, torch::Dtype dtype, bool differentiable) {
  auto x = c10::make_intrusive<SparseRows>();
  x->rows = {features.indptr, features.columns};
  x->width = features.width;
  x->values = value_tensor(features.values, dtype);
  if (differentiable) x->transposed = std::make_shared<TransposedGraph>(transpose_with_edges(x->rows, x->width));
  return x;
}

SparsePtr gather_sparse_rows(const Features& features, std::span<const NodeId> ids, torch::Dtype dtype, bool differentiable) {
  const CsrView all{features.indptr, features.columns};
  auto csr = std::make_shared<Csr>();
  csr->indptr.reserve(ids.size() + 1);
  for (const NodeId id : ids) csr->indptr.push_back(csr->indptr.back() + all.degree(id));
  csr->indices.reserve(index(csr->indptr.back()));
  auto x = c10::make_intrusive<SparseRows>();
  Tensor values = torch::empty({csr->indptr.back()}, torch::kFloat32);
  float* value = values.mutable_data_ptr<float>();
  for (const NodeId id : ids) {
    const std::span<const NodeId> row = all.row(id);
    csr->indices.insert(csr->indices.end(), row.begin(), row.end());
    const std::span<const float> from = features.values.subspan(index(all.indptr[index(id)]), row.size());
    value = std::copy(from.begin(), from.end(), value);
  }
  x->rows = csr->view();
  x->storage = csr;
  x->width = features.width;
  x->values = values.to(dtype);
  x->ids = ids;
  if (differentiable) x->transposed = std::make_shared<TransposedGraph>(transpose_with_edges(x->rows, x->width));
  return x;
}

SparsePtr sparse_row_range(const SparseRows& all, std::int64_t first, std::int64_t last) {
  auto csr = std::make_shared<Csr>();
  const EdgeIndex from = all.rows.indptr[index(first)], to = all.rows.indptr[index(last)];
  csr->indptr.clear();
  for (std::int64_t v = first; v <= last; ++v) csr->indptr.push_back(all.rows.indptr[index(v)] - from);
  auto x = c10::make_intrusive<SparseRows>();
  x->rows = {csr->indptr, all.rows.indices.subspan(index(from), index(to - from))};
  x->storage = csr;
  x->width = all.width;
  x->values = all.values.narrow(0, from, to - from);
  return x;
}

SparsePtr dropped_entries(const SparsePtr& x, const DropoutKey& key, Compute& compute) {
  if (!(key.p > 0)) return x;
  auto out = c10::make_intrusive<SparseRows>();
  out->rows = x->rows;
  out->width = x->width;
  out->transposed = x->transposed;
  out->ids = x->ids;
  out->storage = x->storage;
  const Tensor values = x->values.to(torch::kFloat32);
  Tensor kept = torch::empty_like(values);
  dropout_entries(key, x->ids, x->rows, reals<float>(values), writable<float>(kept), compute.pool);
  out->values = kept.to(x->values.scalar_type());
  return out;
}

Tensor sparse_linear(const SparsePtr& x, const Tensor& weight, std::int64_t count, const ComputePtr& compute) {
  return SparseLinear::apply(weight, x, count, compute);
}

}  // namespace tenfold::gnnbench
