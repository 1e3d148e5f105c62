#include "gnnbench/torch/verify_training.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <string>

#include "gnnbench/epoch_order.h"
#include "gnnbench/rearranged.h"
#include "gnnbench/torch/engine.h"
#include "gnnbench/torch/evaluate.h"
#include "gnnbench/torch/optimiser.h"
#include "gnnbench/transport_inproc.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

constexpr std::uint32_t kUpdate = 3;  // whose draws are compared; an epoch has one update

struct NamedModel {
  std::string name;
  ModelSpec spec;
};

std::vector<NamedModel> models() {
  ModelSpec sage;
  sage.hidden = 8;
  sage.heads = 2;
  sage.dropout_input = 0.25;
  sage.dropout_attn = 0.25;
  // Without dropout of the features a full-graph system aggregates them once for all updates.
  ModelSpec constant = sage, bare = sage, pool = sage, gcn_aggregator = sage, gcn = sage, gat = sage;
  constant.dropout_input = 0;
  bare.self_loops = false;
  pool.aggregator = Aggregator::pool;
  gcn_aggregator.aggregator = Aggregator::gcn;
  gcn.kind = ModelKind::gcn;
  gat.kind = ModelKind::gat;
  return {{"sage", sage},
          {"sage on constant features", constant},
          {"sage without loops", bare},
          {"sage pool", pool},
          {"sage gcn", gcn_aggregator},
          {"gcn", gcn},
          {"gat", gat}};
}

struct Gradients {
  double loss = 0;
  std::vector<Tensor> values;
};

struct Setting {
  std::string system;
  ModelSpec model;
  std::int64_t batch = 0;
  torch::Dtype dtype = torch::kFloat32;
};

// Loss and gradients of one update, summed over the workers of `transport`.
Gradients gradients_of(const Setting& setting, const Dataset& data, std::uint64_t seed, const ComputePtr& compute,
                       Transport* transport) {
  TrainOptions options;
  options.system = setting.system;
  options.model = setting.model;
  options.batch = setting.batch;
  const TrainPlan plan = plan_training(options, data);
  Network network(plan.options.model, data.features.width, data.classes, RandomKey{seed}, setting.dtype, compute);
  RunClock clock;
  const TrainInput input{.plan = plan, .data = data, .transport = transport};
  const auto engine = plan.system.family() == Family::mini_batch ? make_mini_batch_engine(input, network, seed, clock)
                                                                 : make_full_graph_engine(input, network, seed, clock, false);
  // The draws of the same update whatever the system: with several updates an epoch, the first one.
  const auto update = static_cast<std::uint32_t>(kUpdate * plan.updates_per_epoch);
  Gradients out;
  out.loss = engine->backward(update, clock, {});
  Optimiser(network.parameters(), plan.lr, 0, DecayScope::all).reduce(transport);
  if (transport) transport->all_reduce_sum(std::span(&out.loss, 1));
  for (const Parameter& p : network.parameters().all()) {
    const Tensor gradient = p.value.grad();
    out.values.push_back(gradient.defined() ? gradient.to(torch::kFloat64) : torch::zeros_like(p.value, torch::kFloat64));
  }
  return out;
}

// The greatest difference of two lists of tensors beside the greatest entry of the second.
double relative_gap(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  double gap = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].numel() == 0) continue;
    const double each = (a[i] - b[i]).abs().max().item<double>();
    if (!(each <= gap)) gap = each;
    if (std::isnan(gap)) return gap;
    scale = std::max(scale, b[i].abs().max().item<double>());
  }
  return scale > 0 ? gap / scale : gap;
}

double gap_of(const Gradients& a, const Gradients& b) {
  const double loss = std::abs(a.loss - b.loss) / std::max(std::abs(b.loss), 1e-30);
  const double gradients = relative_gap(a.values, b.values);
  return std::isnan(loss) || std::isnan(gradients) ? std::numeric_limits<double>::quiet_NaN() : std::max(loss, gradients);
}

class TrainingChecks {
 public:
  TrainingChecks(const Dataset& data, cli::Run& run)
      : data_(data), run_(run), compute_(c10::make_intrusive<Compute>(run.threads())) {}

  void full_fanout() {
    for (const NamedModel& model : models())
      for (const torch::Dtype dtype : {torch::kFloat32, torch::kFloat64}) {
        const Gradients full = gradients({"sync", model.spec, data_.nodes(), dtype});
        const bool doubles = dtype == torch::kFloat64;
        for (const char* system : {"ns:all", "labor:all", "cluster:1:1"})
          add(std::string(system) + " == sync, " + model.name + (doubles ? ", float64" : ""),
              gap_of(gradients({system, model.spec, data_.nodes(), dtype}), full), doubles ? 1e-10 : 1e-5);
      }
  }

  void differences() {
    const Dataset small = data_.nodes() > kSmall ? rearranged(data_, neighbourhood(data_, kSmall, run_.seed())) : data_;
    for (const NamedModel& model : models())
      add("gradients == differences, " + model.name, difference_gap(model.spec, small), 1e-6);
  }

  void permutation() {
    // The keyed order of all nodes, the training ones among them.
    std::vector<NodeId> nodes(static_cast<std::size_t>(data_.nodes()));
    for (std::size_t v = 0; v < nodes.size(); ++v) nodes[v] = static_cast<NodeId>(v);
    nodes = epoch_order(RandomKey{run_.seed()}, 0, nodes);
    const Dataset other = rearranged(data_, nodes);
    const std::vector<std::int64_t> order(nodes.begin(), nodes.end());
    for (const NamedModel& model : models()) {
      Network network(model.spec, data_.features.width, data_.classes, RandomKey{run_.seed()}, torch::kFloat32, compute_);
      const Tensor logits = infer(network, data_, kRowChunk).index_select(0, torch::tensor(order, torch::kInt64));
      add("logits follow permuted ids, " + model.name, relative_gap({infer(network, other, kRowChunk)}, {logits}), 1e-5);
    }
  }

  void workers(int count) {
    const std::string at = "@" + std::to_string(count);
    for (const NamedModel& model : models()) {
      const Gradients one = gradients({"sync", model.spec, data_.nodes()});
      for (const char* system : {"sync", "bns:1"}) {
        // Where a sampled row is reweighted (bns) softmax and maximum see the same rows, so that at rate 1 all models agree.
        add(system + at + " == sync, " + model.name, gap_of(gradients_at(count, {system + at, model.spec, data_.nodes()}), one),
            1e-5);
      }
    }
    const std::int64_t training = static_cast<std::int64_t>(data_.part(Part::train).size());
    const std::int64_t batch = std::max<std::int64_t>(1, training / (2 * count));
    const NamedModel model = models().front();
    for (const std::string system : {"ns:5:5", "labor:5:5"})
      add(system + at + " == one worker with " + std::to_string(count) + " times the batch",
          gap_of(gradients_at(count, {system + at, model.spec, batch}), gradients({system, model.spec, batch * count})), 1e-5);
  }

  std::vector<Check> take() { return std::move(checks_); }

 private:
  static constexpr std::int64_t kSmall = 500, kRowChunk = 4096;

  void add(const std::string& name, double deviation, double tolerance) {
    checks_.push_back({name, deviation, tolerance});
    run_.step({.what = "verifying", .done = static_cast<double>(checks_.size()), .total = {}, .unit = "checks", .note = name});
  }

  Gradients gradients(const Setting& setting) const { return gradients_of(setting, data_, run_.seed(), compute_, nullptr); }

  // Of `count` workers, threads that send each other the messages that processes would.
  Gradients gradients_at(int count, const Setting& setting) const {
    Gradients out;
    run_inproc(count, [&](Transport& transport) {
      const auto compute = c10::make_intrusive<Compute>(std::max(1, run_.threads() / count));
      Gradients mine = gradients_of(setting, data_, run_.seed(), compute, &transport);
      if (transport.rank() == 0) out = std::move(mine);
    });
    return out;
  }

  // What starts at 0 is moved away from there: a node without features or neighbours would sit on a kink.
  void move_from_zero(Network& network) const {
    const torch::NoGradGuard off;
    for (Parameter& p : network.parameters().all()) {
      if (p.spec.law != InitLaw::zero) continue;
      double* entries = p.value.mutable_data_ptr<double>();
      for (std::int64_t i = 0; i < p.value.numel(); ++i)
        entries[i] = 0.2 * RandomKey{run_.seed()}.uniform(Purpose::generate, 1, 0, static_cast<std::uint32_t>(i)) - 0.1;
    }
  }

  // Against the differences at a few entries of each parameter. A step across a kink of ReLU spoils one: a wrong gradient is
  // wrong at every step, so the best of three counts.
  double difference_gap(const ModelSpec& spec, const Dataset& data) const {
    Network network(spec, data.features.width, data.classes, RandomKey{run_.seed()}, torch::kFloat64, compute_);
    move_from_zero(network);
    const LayerRows x = all_feature_rows(data.features, data.nodes(), torch::kFloat64, true);
    const std::vector<GraphPtr> graphs(
        static_cast<std::size_t>(spec.layers),
        whole_graph(data.graph, data.direction == Direction::symmetric, spec, torch::kFloat64, true));
    std::vector<std::int64_t> rows, labels;
    for (const NodeId v : data.part(Part::train)) {
      rows.push_back(v);
      labels.push_back(data.labels[static_cast<std::size_t>(v)]);
    }
    const Tensor at = torch::tensor(rows, torch::kInt64), classes = torch::tensor(labels, torch::kInt64);
    const auto loss = [&] {
      const Tensor logits = network.forward(x, graphs, Draws{.key = {run_.seed()}, .update = kUpdate, .on = true});
      return cross_entropy(logits, at, classes, static_cast<std::int64_t>(rows.size()));
    };
    loss().backward();
    const torch::NoGradGuard off;
    double gap = 0, scale = 0;
    for (Parameter& p : network.parameters().all()) {
      const Tensor gradient = p.value.grad().contiguous();
      scale = std::max(scale, gradient.abs().max().item<double>());
      // The entry whose gradient is greatest, and two more.
      const std::int64_t n = p.value.numel();
      for (const std::int64_t i : {gradient.abs().argmax().item<std::int64_t>(), n / 3, n - 1}) {
        double* entry = p.value.mutable_data_ptr<double>() + i;
        const double exact = gradient.const_data_ptr<double>()[i], before = *entry;
        double best = std::numeric_limits<double>::infinity();
        for (double step = 1e-5; step > 5e-8 && best > 1e-7; step /= 10) {
          *entry = before + step;
          const double above = loss().item<double>();
          *entry = before - step;
          const double below = loss().item<double>();
          *entry = before;
          best = std::min(best, std::abs((above - below) / (2 * step) - exact));
        }
        gap = std::max(gap, best);
      }
    }
    return gap / std::max(scale, 1e-3);
  }

  const Dataset& data_;
  cli::Run& run_;
  ComputePtr compute_;
  std::vector<Check> checks_;
};

}  // namespace

std::vector<Check> training_checks(const Dataset& data, const std::vector<int>& workers, cli::Run& run) {
  TrainingChecks checks(data, run);
  checks.full_fanout();
  checks.differences();
  checks.permutation();
  for (const int count : workers)
    if (count > 1) checks.workers(count);
  return checks.take();
}

}  // namespace tenfold::gnnbench
