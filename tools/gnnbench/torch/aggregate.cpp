#include "gnnbench/torch/aggregate.h"

#include "gnnbench/torch/tensor_span.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

template <class Real>
void run_spmm(const Tensor& x, CsrView graph, bool add_self, const Tensor& column_weights, const Tensor& divide, Tensor& out,
              Compute& compute, bool accumulate) {
  SpmmInputOf<Real> input;
  input.graph = graph;
  input.column_weights = reals<Real>(column_weights);
  input.divide = reals<Real>(divide);
  input.x = reals<Real>(x);
  input.width = x.size(1);
  input.add_self = add_self;
  spmm(input, divide.defined() ? Reduce::mean : Reduce::sum, writable<Real>(out), compute.pool, accumulate);
}

struct Aggregate : torch::autograd::Function<Aggregate> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const GraphPtr& graph, const ComputePtr& compute) {
    ctx->saved_data["graph"] = c10::IValue::make_capsule(graph);
    ctx->saved_data["compute"] = c10::IValue::make_capsule(compute);
    return aggregate_rows(x, *graph, *compute);
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto graph = c10::static_intrusive_pointer_cast<LayerGraph>(ctx->saved_data["graph"].toCapsule());
    const auto compute = c10::static_intrusive_pointer_cast<Compute>(ctx->saved_data["compute"].toCapsule());
    return {aggregate_rows_transposed(grads[0], *graph, *compute), Tensor(), Tensor()};
  }
};

struct AggregateMax : torch::autograd::Function<AggregateMax> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const GraphPtr& graph, const ComputePtr& compute) {
    const std::int64_t width = x.size(1), rows = graph->destinations();
    Tensor out = torch::empty({rows, width}, x.options());
    Tensor argmax = torch::empty({rows, width}, torch::kInt32);
    by_type(x.scalar_type(), [&](auto real) {
      using Real = decltype(real);
      spmm_max<Real>(graph->forward, graph->add_self, reals<Real>(x), width, writable<Real>(out), writable<std::int32_t>(argmax),
                     compute->pool);
    });
    ctx->save_for_backward({argmax});
    ctx->saved_data["graph"] = c10::IValue::make_capsule(graph);
    ctx->saved_data["compute"] = c10::IValue::make_capsule(compute);
    return out;
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto graph = c10::static_intrusive_pointer_cast<LayerGraph>(ctx->saved_data["graph"].toCapsule());
    const auto compute = c10::static_intrusive_pointer_cast<Compute>(ctx->saved_data["compute"].toCapsule());
    const Tensor argmax = ctx->get_saved_variables()[0];
    const Tensor dout = grads[0].contiguous();
    Tensor dx = torch::empty({graph->sources, dout.size(1)}, dout.options());
    by_type(dout.scalar_type(), [&](auto real) {
      using Real = decltype(real);
      spmm_max_backward<Real>(graph->forward, *graph->transposed, graph->add_self, reals<std::int32_t>(argmax), reals<Real>(dout),
                              dout.size(1), writable<Real>(dx), compute->pool);
    });
    return {dx, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor aggregate_rows(const Tensor& given, const LayerGraph& graph, Compute& compute, Tensor onto) {
  const Tensor x = given.contiguous();
  const bool accumulate = onto.defined();
  Tensor out = accumulate ? std::move(onto) : torch::empty({graph.destinations(), x.size(1)}, x.options());
  by_type(x.scalar_type(), [&](auto real) {
    run_spmm<decltype(real)>(x, graph.forward, graph.add_self, graph.scale, graph.divide, out, compute, accumulate);
  });
  return out;
}

Tensor aggregate_rows_transposed(const Tensor& given, const LayerGraph& graph, Compute& compute) {
  const Tensor dy = given.contiguous();
  // Row u of the transposed: (1 / inverse_scale[u]) sum over v of inverse_divide[v] dy[v].
  Tensor dx = torch::empty({graph.sources, dy.size(1)}, dy.options());
  const CsrView backward = graph.transposed ? graph.transposed->csr.view() : graph.forward;
  const bool square = graph.sources == graph.destinations();
  by_type(dy.scalar_type(), [&](auto real) {
    run_spmm<decltype(real)>(dy, backward, graph.add_self && square, graph.inverse_divide, graph.inverse_scale, dx, compute,
                             false);
  });
  if (graph.add_self && !square) {
    // Loops of a rectangular graph: its destinations are the first sources.
    Tensor own = dy * graph.inverse_divide.unsqueeze(1);
    Tensor first = dx.narrow(0, 0, graph.destinations());
    if (graph.scale.defined()) own.mul_(graph.scale.narrow(0, 0, graph.destinations()).unsqueeze(1));
    first.add_(own);
  }
  return dx;
}

Tensor aggregate(const Tensor& x, const GraphPtr& graph, const ComputePtr& compute) {
  return Aggregate::apply(x, graph, compute);
}

Tensor aggregate_max(const Tensor& x, const GraphPtr& graph, const ComputePtr& compute) {
  return AggregateMax::apply(x.contiguous(), graph, compute);
}

}  // namespace tenfold::gnnbench
