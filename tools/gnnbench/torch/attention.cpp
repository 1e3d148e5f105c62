#include "gnnbench/torch/attention.h"

#include "gnnbench/edge_softmax.h"
#include "gnnbench/torch/tensor_span.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct AttentionCall : torch::CustomClassHolder {
  GraphPtr graph;
  ComputePtr compute;
  DropoutKey dropout;
  int heads = 1;

  std::span<const NodeId> targets() const {
    return graph->source_ids.empty() ? graph->source_ids
                                     : graph->source_ids.first(static_cast<std::size_t>(graph->destinations()));
  }
  // alpha, or its gradient: the mask is linear.
  template <class Real>
  Tensor masked(const Tensor& alpha) const {
    if (!(dropout.p > 0)) return alpha;
    Tensor out = torch::empty_like(alpha);
    dropout_edges<Real>(dropout, graph->forward, targets(), graph->source_ids, heads, reals<Real>(alpha), writable<Real>(out),
                        compute->pool);
    return out;
  }
  // Row sums of alpha x along the forward graph, or along the transposed one.
  template <class Real>
  Tensor weighted_sum(const Tensor& alpha, const Tensor& x, bool transposed) const {
    SpmmInputOf<Real> input;
    input.graph = transposed ? graph->transposed->csr.view() : graph->forward;
    input.weights = reals<Real>(alpha);
    if (transposed) input.edge_of = graph->transposed->edge_of;
    input.x = reals<Real>(x);
    input.width = x.size(1);
    input.heads = heads;
    Tensor out = torch::empty({transposed ? graph->sources : graph->destinations(), x.size(1)}, x.options());
    spmm(input, Reduce::sum, writable<Real>(out), compute->pool);
    return out;
  }
  template <class Real>
  AttentionOf<Real> attention(const Tensor& source_scores, const Tensor& target_scores) const {
    AttentionOf<Real> a;
    a.graph = graph->forward;
    a.heads = heads;
    a.source_scores = reals<Real>(source_scores);
    a.target_scores = reals<Real>(target_scores);
    return a;
  }
};

struct Attend : torch::autograd::Function<Attend> {
  static Tensor forward(AutogradContext* ctx, const Tensor& z, const Tensor& source_scores, const Tensor& target_scores,
                        const c10::intrusive_ptr<AttentionCall>& call) {
    Tensor alpha = torch::empty({call->graph->forward.edges(), call->heads}, z.options());
    Tensor out;
    by_type(z.scalar_type(), [&](auto real) {
      using Real = decltype(real);
      edge_softmax<Real>(call->attention<Real>(source_scores, target_scores), writable<Real>(alpha), {}, call->compute->pool);
      out = call->weighted_sum<Real>(call->masked<Real>(alpha), z, false);
    });
    ctx->save_for_backward({z, source_scores, target_scores, alpha});
    ctx->saved_data["call"] = c10::IValue::make_capsule(call);
    return out;
  }

  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto call = c10::static_intrusive_pointer_cast<AttentionCall>(ctx->saved_data["call"].toCapsule());
    const auto saved = ctx->get_saved_variables();
    const Tensor &z = saved[0], &source_scores = saved[1], &target_scores = saved[2], &alpha = saved[3];
    const Tensor dout = grads[0].contiguous();
    Tensor dz, d_source = torch::empty_like(source_scores), d_target = torch::empty_like(target_scores);
    by_type(z.scalar_type(), [&](auto real) {
      using Real = decltype(real);
      ThreadPool& pool = call->compute->pool;
      dz = call->weighted_sum<Real>(call->masked<Real>(alpha), dout, true);
      Tensor edge = torch::empty_like(alpha);
      edge_dots<Real>(call->graph->forward, false, call->heads, reals<Real>(dout), reals<Real>(z), z.size(1),
                      writable<Real>(edge), {}, pool);
      edge = call->masked<Real>(edge);
      edge_softmax_backward<Real>(call->attention<Real>(source_scores, target_scores), reals<Real>(alpha), {},
                                  writable<Real>(edge), {}, writable<Real>(d_target), pool);
      source_sums<Real>(*call->graph->transposed, call->heads, reals<Real>(edge), {}, writable<Real>(d_source), pool);
    });
    return {dz, d_source, d_target, Tensor()};
  }
};

}  // namespace

Tensor attend(const Tensor& z, const Tensor& source_scores, const Tensor& target_scores, const GraphPtr& graph, int heads,
              const DropoutKey& dropout, const ComputePtr& compute) {
  auto call = c10::make_intrusive<AttentionCall>();
  call->graph = graph;
  call->compute = compute;
  call->dropout = dropout;
  call->heads = heads;
  return Attend::apply(z.contiguous(), source_scores.contiguous(), target_scores.contiguous(), call);
}

}  // namespace tenfold::gnnbench
