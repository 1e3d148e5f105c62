// Workers in threads: their parts, a function on each, and whole runs.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "gnnbench/torch/exchange_systems.h"
#include "gnnbench/transport_inproc.h"
#include "gnnbench/workers_inproc.h"
#include "model_support.h"
#include "training_support.h"

namespace tenfold::gnnbench::testing {

inline ComputePtr one_thread() { return c10::make_intrusive<Compute>(1); }

inline std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// A partition by hand.
inline Partition parts_of(std::vector<std::int32_t> part_of, int parts) {
  Partition partition;
  partition.parts = parts;
  partition.part_of = std::move(part_of);
  return partition;
}

// 60 nodes in three thirds of other sizes: [0, 8) closed (no edge leaves it), [8, 45), [45, 60); nodes of the last third train
// nothing. Loops, duplicates and node 59 (no edges) aside, the rest is random.
inline Dataset uneven_task(bool symmetric, std::uint64_t seed) {
  PhiloxStream random(seed, "uneven task");
  TaskStorage s;
  std::vector<Edge> edges;
  for (int e = 0; e < 20; ++e) edges.push_back({static_cast<NodeId>(random.below(8)), static_cast<NodeId>(random.below(8))});
  for (int e = 0; e < 180; ++e)
    edges.push_back({static_cast<NodeId>(8 + random.below(51)), static_cast<NodeId>(8 + random.below(51))});
  for (int v = 0; v < 60; ++v) {
    s.labels.push_back(static_cast<std::int32_t>(random.below(4)));
    s.split.push_back(static_cast<std::uint8_t>(v >= 45 ? Part::test : random.uniform() < 0.6 ? Part::train : Part::val));
    for (int j = 0; j < 9; ++j) s.x.push_back(static_cast<float>(random.normal()));
  }
  const Direction direction = symmetric ? Direction::symmetric : Direction::in;
  s.graph = build_graph(60, edges, direction).csr;
  return dataset_of(std::move(s), 9, 4, direction, false);
}
inline Partition uneven_parts() {
  std::vector<std::int32_t> part_of(60);
  for (std::size_t v = 0; v < 60; ++v) part_of[v] = v < 8 ? 0 : v < 45 ? 1 : 2;
  return parts_of(part_of, 3);
}

// What one update leaves, summed over the workers as the all-reduce does.
struct Gradients {
  double loss = 0;
  std::vector<torch::Tensor> values;
};

inline Gradients update_gradients(const TrainOptions& options, const Dataset& data, std::uint32_t update,
                                  std::uint64_t seed = 5) {
  const TrainPlan plan = plan_training(options, data);
  Gradients sum;
  std::mutex mutex;
  const auto worker = [&](Transport* transport) {
    Network network(plan.options.model, data.features.width, data.classes, RandomKey{seed}, torch::kFloat32, one_thread());
    RunClock clock;
    const TrainInput input{.plan = plan, .data = data, .transport = transport};
    const auto engine = plan.system.family() == Family::mini_batch ? make_mini_batch_engine(input, network, seed, clock)
                                                                   : make_full_graph_engine(input, network, seed, clock, false);
    const double loss = engine->backward(update, clock, {});
    const std::lock_guard lock(mutex);
    sum.loss += loss;
    const std::vector<Parameter>& parameters = network.parameters().all();
    if (sum.values.empty())
      for (const Parameter& p : parameters) sum.values.push_back(torch::zeros_like(p.value).to(torch::kFloat64));
    for (std::size_t i = 0; i < parameters.size(); ++i)
      if (parameters[i].value.grad().defined()) sum.values[i] += parameters[i].value.grad().to(torch::kFloat64);
  };
  if (plan.system.workers == 1)
    worker(nullptr);
  else
    run_inproc(plan.system.workers, [&](Transport& transport) { worker(&transport); });
  return sum;
}

// The sums round differently, by parts.
inline void check_equal(const Gradients& a, const Gradients& b, double tolerance = 1e-5) {
  CHECK(a.loss == doctest::Approx(b.loss).epsilon(1e-5));
  REQUIRE(a.values.size() == b.values.size());
  for (std::size_t i = 0; i < a.values.size(); ++i) CHECK(largest_difference(a.values[i], b.values[i]) < tolerance);
}

// A run by as many workers as its system has.
inline Json train_together(const TrainOptions& options, const Dataset& data, cli::Run& run) {
  const TrainPlan plan = plan_training(options, data);
  if (plan.system.workers == 1) return TrainRun({.plan = plan, .data = data}, run).train();
  return run_inproc(plan.system.workers, run, [&](Transport& transport, cli::Run& view) {
    return TrainRun({.plan = plan, .data = data, .transport = &transport}, view).train();
  });
}

// body(exchange, part, rank) on each of the partition's workers.
using ExchangeBody = std::function<void(Exchange& exchange, const WorkerPart& part, int rank)>;
inline void on_exchanges(const std::string& system, const Dataset& data, const Partition& partition, const ModelSpec& model,
                         torch::Dtype dtype, std::uint64_t seed, const ExchangeBody& body) {
  const SystemSpec spec = parse_system(system);
  run_inproc(partition.parts, [&](Transport& transport) {
    const auto part = make_worker_part(data.graph, is_symmetric(data.graph), partition, transport.rank(), model, dtype);
    const ExchangeContext context{
        .part = part, .transport = &transport, .compute = one_thread(), .model = model, .refetch_input = false};
    const auto exchange = spec.method == Method::pipe  ? make_pipe_exchange(context)
                          : spec.method == Method::bns ? make_bns_exchange(context, RandomKey{seed}, spec.bns_rate, false)
                                                       : make_sync_exchange(context);
    body(*exchange, *part, transport.rank());
  });
}

inline torch::Tensor rows_at(const torch::Tensor& all, std::span<const NodeId> ids) {
  std::vector<std::int64_t> rows(ids.begin(), ids.end());
  return all.index_select(0, torch::tensor(rows, torch::kInt64));
}

}  // namespace tenfold::gnnbench::testing
