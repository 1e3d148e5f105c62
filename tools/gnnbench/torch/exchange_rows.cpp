#include "gnnbench/torch/exchange_rows.h"

#include "base/clock.h"
#include "gnnbench/torch/row_messages.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// The received rows of each peer, with its number.
template <class Body>
void for_peers(const ExchangeCall& call, const Tensor& received, const Body& body) {
  const Crossing& crossing = *call.crossing;
  for (int peer = 0; peer < call.transport->size(); ++peer) {
    const auto i = static_cast<std::size_t>(peer);
    const std::int64_t first = crossing.halo_begin[i];
    body(peer, received.narrow(0, first, crossing.halo_begin[i + 1] - first));
  }
}

void scale_by_peer(const ExchangeCall& call, const Tensor& received) {
  if (call.crossing->factor.empty()) return;
  for_peers(call, received, [&](int peer, Tensor rows) { rows.mul_(call.crossing->factor[static_cast<std::size_t>(peer)]); });
}

struct ExchangeRows : torch::autograd::Function<ExchangeRows> {
  static Tensor forward(AutogradContext* ctx, const Tensor& inner, const c10::intrusive_ptr<ExchangeCall>& call) {
    ctx->saved_data["call"] = c10::IValue::make_capsule(call);
    const double began = wall_s();
    const Crossing& crossing = *call->crossing;
    const int tag = message_tag(Traffic::forward, call->layer, call->update);
    const std::int64_t count = inner.size(0);
    Tensor out = torch::empty({count + crossing.received_rows(), inner.size(1)}, inner.options());
    const Tensor received = out.narrow(0, count, crossing.received_rows());
    Messages messages(*call->transport);
    for_peers(*call, received, [&](int peer, const Tensor& rows) { messages.receive(peer, tag, rows); });
    for (int peer = 0; peer < call->transport->size(); ++peer)
      messages.send(peer, tag, rows_of(inner, crossing.send[static_cast<std::size_t>(peer)], *call->compute));
    out.narrow(0, 0, count).copy_(inner);
    messages.finish();
    scale_by_peer(*call, received);
    *call->spent_s += wall_s() - began;
    return out;
  }

  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto call = c10::static_intrusive_pointer_cast<ExchangeCall>(ctx->saved_data["call"].toCapsule());
    const double began = wall_s();
    const Crossing& crossing = *call->crossing;
    const int tag = message_tag(Traffic::backward, call->layer, call->update);
    const std::int64_t received = crossing.received_rows(), count = grads[0].size(0) - received;
    Tensor away = grads[0].narrow(0, count, received).contiguous();
    if (!crossing.factor.empty()) away = away.clone();
    scale_by_peer(*call, away);
    Messages messages(*call->transport);
    std::vector<Tensor> home;
    for (int peer = 0; peer < call->transport->size(); ++peer) {
      const auto rows = static_cast<std::int64_t>(crossing.send[static_cast<std::size_t>(peer)].size());
      home.push_back(torch::empty({rows, away.size(1)}, away.options()));
      messages.receive(peer, tag, home.back());
    }
    for_peers(*call, away, [&](int peer, const Tensor& rows) { messages.send(peer, tag, rows); });
    Tensor own = grads[0].narrow(0, 0, count).clone(at::MemoryFormat::Contiguous);
    messages.finish();
    for (std::size_t peer = 0; peer < home.size(); ++peer) add_to_rows(own, crossing.send[peer], home[peer], *call->compute);
    *call->spent_s += wall_s() - began;
    return {own, Tensor()};
  }
};

}  // namespace

Tensor exchange_rows(const Tensor& inner, const c10::intrusive_ptr<ExchangeCall>& call) {
  return ExchangeRows::apply(inner, call);
}

}  // namespace tenfold::gnnbench
