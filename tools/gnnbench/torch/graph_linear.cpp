#include "gnnbench/torch/graph_linear.h"

#include "gnnbench/torch/aggregate.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// What the backward pass needs besides tensors.
struct LayerCall : torch::CustomClassHolder {
  GraphPtr graph;
  ComputePtr compute;
  DropoutKey dropout;
  bool gemm_first = false;
  bool input_gradient = false;

  Tensor masked(const Tensor& x) const { return dropout.p > 0 ? dropped(x, graph->source_ids, dropout, *compute) : x; }
  Tensor first_rows(const Tensor& x) const { return x.narrow(0, 0, graph->destinations()); }
};

struct GraphLinear : torch::autograd::Function<GraphLinear> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& w_l, const std::optional<Tensor>& root,
                        const Tensor& bias, const c10::intrusive_ptr<LayerCall>& call) {
    const Tensor w_r = root.value_or(Tensor());
    const Tensor xd = call->masked(x);
    const LayerGraph& graph = *call->graph;
    Tensor out, mean;
    if (w_r.defined()) out = torch::addmm(bias, call->first_rows(xd), w_r.t());
    if (call->gemm_first) {
      out = aggregate_rows(torch::mm(xd, w_l.t()), graph, *call->compute, out);
    } else {
      mean = aggregate_rows(xd, graph, *call->compute);
      out = out.defined() ? out.addmm_(mean, w_l.t()) : torch::mm(mean, w_l.t());
    }
    if (!w_r.defined()) out.add_(bias);
    const bool keep_input = call->gemm_first || w_r.defined();
    ctx->save_for_backward({keep_input ? (call->input_gradient ? xd : x) : Tensor(), mean, w_l, w_r});
    ctx->saved_data["call"] = c10::IValue::make_capsule(call);
    return out;
  }

  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto call = c10::static_intrusive_pointer_cast<LayerCall>(ctx->saved_data["call"].toCapsule());
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &mean = saved[1], &w_l = saved[2], &w_r = saved[3];
    const Tensor dy = grads[0].contiguous();
    const LayerGraph& graph = *call->graph;
    const Tensor xd = x.defined() && !call->input_gradient ? call->masked(x) : x;
    Tensor dw_l, dw_r, dx;
    if (call->gemm_first) {
      const Tensor dz = aggregate_rows_transposed(dy, graph, *call->compute);
      dw_l = torch::mm(dz.t(), xd);
      if (call->input_gradient) dx = torch::mm(dz, w_l);
    } else {
      dw_l = torch::mm(dy.t(), mean);
      if (call->input_gradient) dx = aggregate_rows_transposed(torch::mm(dy, w_l), graph, *call->compute);
    }
    if (w_r.defined()) {
      dw_r = torch::mm(dy.t(), call->first_rows(xd));
      if (dx.defined()) call->first_rows(dx).addmm_(dy, w_r);
    }
    if (dx.defined()) dx = call->masked(dx);
    return {dx, dw_l, dw_r, dy.sum(0), Tensor()};
  }
};

}  // namespace

Tensor graph_linear(const Tensor& x, const GraphLinearWeights& w, const GraphPtr& graph, bool gemm_first,
                    const DropoutKey& dropout, const ComputePtr& compute) {
  auto call = c10::make_intrusive<LayerCall>();
  call->graph = graph;
  call->compute = compute;
  call->dropout = dropout;
  call->gemm_first = gemm_first;
  call->input_gradient = x.requires_grad();
  return GraphLinear::apply(x, w.neighbours, w.root.defined() ? std::optional<Tensor>(w.root) : std::nullopt, w.bias, call);
}

}  // namespace tenfold::gnnbench
