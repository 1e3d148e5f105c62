// PipeGCN: boundary rows and their gradients are one update old, so that they can travel while the next update computes.
#include "base/clock.h"
#include "gnnbench/torch/exchange_systems.h"
#include "gnnbench/torch/row_messages.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// The rows of one layer in one direction, forward (boundary rows out, halo rows in) or backward (the other way round). At most
// two updates' messages are under way at once: those of the update before are awaited after this one's have left.
class Lane {
 public:
  // `outgoing` and `incoming` are row counts by peer, [W + 1] running sums.
  Lane(Transport& transport, Traffic traffic, int layer, std::vector<std::int64_t> outgoing, std::vector<std::int64_t> incoming)
      : transport_(transport), traffic_(traffic), layer_(layer), outgoing_(std::move(outgoing)), incoming_(std::move(incoming)) {}

  // Sends `own` [outgoing, D], nobody else's memory, and gives what came in for the update before, [incoming, D]; undefined where
  // there was none.
  Tensor turn(const Tensor& own, std::uint32_t update) {
    const int tag = message_tag(traffic_, layer_, update);
    const Tensor coming = torch::empty({incoming_.back(), own.size(1)}, own.options());
    auto messages = std::make_unique<Messages>(transport_);
    for (int peer = 0; peer < transport_.size(); ++peer) {
      messages->receive(peer, tag, piece(coming, incoming_, peer));
      messages->send(peer, tag, piece(own, outgoing_, peer));
    }
    Tensor before = arrived();
    messages_ = std::move(messages);
    rows_ = coming;
    return before;
  }

  // What is under way, once it is there; undefined before the first update.
  Tensor arrived() {
    if (messages_) messages_->finish();
    messages_.reset();
    return rows_;
  }
  void restore(const Tensor& rows) { rows_ = rows; }

 private:
  static Tensor piece(const Tensor& rows, const std::vector<std::int64_t>& begin, int peer) {
    const auto i = static_cast<std::size_t>(peer);
    return rows.narrow(0, begin[i], begin[i + 1] - begin[i]);
  }

  Transport& transport_;
  Traffic traffic_;
  int layer_;
  std::vector<std::int64_t> outgoing_, incoming_;
  Tensor rows_;
  std::unique_ptr<Messages> messages_;
};

// A layer's two lanes and what its backward pass needs.
struct PipeLayer : torch::CustomClassHolder {
  PipeLayer(const ExchangeContext& context, int layer) : part(context.part), compute(context.compute) {
    const Crossing& crossing = part->crossing;
    std::vector<std::int64_t> sent = {0};
    for (const std::vector<NodeId>& rows : crossing.send) {
      sent.push_back(sent.back() + static_cast<std::int64_t>(rows.size()));
      boundary.insert(boundary.end(), rows.begin(), rows.end());
    }
    forward.emplace(*context.transport, Traffic::forward, layer, sent, crossing.halo_begin);
    backward.emplace(*context.transport, Traffic::backward, layer, crossing.halo_begin, sent);
  }

  std::shared_ptr<const WorkerPart> part;
  ComputePtr compute;
  std::vector<NodeId> boundary;  // inner rows by receiver: a row stands once for each
  std::optional<Lane> forward, backward;
  std::uint32_t update = 0;
  double* spent_s = nullptr;
};

struct PipeRows : torch::autograd::Function<PipeRows> {
  static Tensor forward(AutogradContext* ctx, const Tensor& inner, const c10::intrusive_ptr<PipeLayer>& layer) {
    ctx->saved_data["layer"] = c10::IValue::make_capsule(layer);
    const double began = wall_s();
    const std::int64_t count = inner.size(0), received = layer->part->crossing.received_rows();
    const Tensor before = layer->forward->turn(rows_of(inner, layer->boundary, *layer->compute), layer->update);
    Tensor out = torch::empty({count + received, inner.size(1)}, inner.options());
    out.narrow(0, 0, count).copy_(inner);
    if (before.defined())
      out.narrow(0, count, received).copy_(before);
    else
      out.narrow(0, count, received).zero_();
    *layer->spent_s += wall_s() - began;
    return out;
  }

  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto layer = c10::static_intrusive_pointer_cast<PipeLayer>(ctx->saved_data["layer"].toCapsule());
    const double began = wall_s();
    const Crossing& crossing = layer->part->crossing;
    const std::int64_t received = crossing.received_rows(), count = grads[0].size(0) - received;
    const Tensor before =
        layer->backward->turn(grads[0].narrow(0, count, received).clone(at::MemoryFormat::Contiguous), layer->update);
    Tensor own = grads[0].narrow(0, 0, count).clone(at::MemoryFormat::Contiguous);
    if (before.defined()) {
      // Peer by peer, as a row that went to several gets a gradient from each.
      std::int64_t first = 0;
      for (const std::vector<NodeId>& rows : crossing.send) {
        const auto n = static_cast<std::int64_t>(rows.size());
        add_to_rows(own, rows, before.narrow(0, first, n), *layer->compute);
        first += n;
      }
    }
    *layer->spent_s += wall_s() - began;
    return {own, Tensor()};
  }
};

class PipeExchange final : public WorkerExchange {
 public:
  explicit PipeExchange(const ExchangeContext& context) : WorkerExchange(context) {
    for (int l = 0; l < context.model.layers; ++l)
      if (context.exchanged(l)) {
        auto layer = c10::make_intrusive<PipeLayer>(context, l);
        layer->spent_s = &spent_s_;
        layers_.emplace(l, std::move(layer));
      }
  }

  void begin(std::uint32_t update) override {
    for (auto& [l, layer] : layers_) layer->update = update;
  }
  Tensor rows(const Tensor& inner, int layer) override { return PipeRows::apply(inner, layers_.at(layer)); }
  bool fresh() const override { return false; }

  std::map<std::string, Tensor> save() override {
    std::map<std::string, Tensor> state;
    for (auto& [l, layer] : layers_) {
      if (const Tensor rows = layer->forward->arrived(); rows.defined()) state.emplace(rows_name(l), rows);
      if (const Tensor rows = layer->backward->arrived(); rows.defined()) state.emplace(gradients_name(l), rows);
    }
    return state;
  }
  void restore(const std::map<std::string, Tensor>& state) override {
    for (auto& [l, layer] : layers_) {
      if (const auto found = state.find(rows_name(l)); found != state.end()) layer->forward->restore(found->second);
      if (const auto found = state.find(gradients_name(l)); found != state.end()) layer->backward->restore(found->second);
    }
  }

 private:
  static std::string rows_name(int layer) { return "rows." + std::to_string(layer); }
  static std::string gradients_name(int layer) { return "gradients." + std::to_string(layer); }

  std::map<int, c10::intrusive_ptr<PipeLayer>> layers_;
};

}  // namespace

std::unique_ptr<Exchange> make_pipe_exchange(const ExchangeContext& context) { return std::make_unique<PipeExchange>(context); }

}  // namespace tenfold::gnnbench
