#include "gnnbench/memory_plan.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "base/host.h"
#include "gnnbench/sampler.h"

namespace tenfold::gnnbench {
namespace {

constexpr std::uint64_t kLibTorch = 140u << 20;  // the library's own pages, as measured

std::uint64_t u(std::int64_t value) { return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)); }

std::uint64_t feature_bytes(const Features& x) {
  return x.sparse() ? 8 * x.indptr.size() + 8 * x.columns.size() : 4 * x.dense.size();
}

// Rows that each layer takes in, inputs first, at most.
std::vector<std::int64_t> layer_rows(const TrainPlan& plan, const Dataset& data) {
  const auto layers = static_cast<std::size_t>(plan.options.model.layers);
  const std::int64_t n = data.nodes();
  const SystemSpec& s = plan.system;
  if (s.family() != Family::mini_batch) return std::vector<std::int64_t>(layers + 1, (n + s.workers - 1) / s.workers);
  if (s.method == Method::cluster) {
    const std::int64_t rows = std::min(n, 2 * (n / s.cluster_parts + 1) * s.cluster_per_batch);
    return std::vector<std::int64_t>(layers + 1, rows);
  }
  std::vector<std::int64_t> rows(layers + 1, std::min(n, plan.options.batch));
  for (std::size_t hop = 0; hop < layers; ++hop) {
    const std::int64_t k = s.fanouts[hop] == kAllNeighbours ? n : s.fanouts[hop];
    rows[layers - 1 - hop] = static_cast<std::int64_t>(
        std::min(static_cast<double>(n), static_cast<double>(rows[layers - hop]) * static_cast<double>(k + 1)));
  }
  return rows;
}

// Stored edges that a worker's layers run over, at most.
std::int64_t layer_edges(const TrainPlan& plan, const Dataset& data, std::int64_t destinations, std::size_t layer) {
  const SystemSpec& s = plan.system;
  if (s.family() != Family::mini_batch) return data.graph.edges() / s.workers + destinations;
  if (s.method == Method::cluster)
    return static_cast<std::int64_t>(static_cast<double>(data.graph.edges()) * static_cast<double>(destinations) /
                                     static_cast<double>(data.nodes()));
  const auto layers = static_cast<std::size_t>(plan.options.model.layers);
  const std::int64_t k = s.fanouts[layers - 1 - layer];
  return k == kAllNeighbours ? data.graph.edges() : std::min(data.graph.edges() + destinations, destinations * k);
}

}  // namespace

std::uint64_t MemoryPlan::total() const {
  std::uint64_t sum = 0;
  for (const MemoryPart& part : parts) sum += part.bytes;
  return sum;
}

MemoryPlan plan_memory(const TrainPlan& plan, const Dataset& data) {
  const ModelSpec& model = plan.options.model;
  const std::vector<std::int64_t> widths = layer_widths(model, data.features.width, data.classes);
  const std::vector<std::int64_t> rows = layer_rows(plan, data);
  const bool mini = plan.system.family() == Family::mini_batch, sparse = data.features.sparse();
  const std::uint64_t n = u(data.nodes()), nnz = u(data.graph.edges());

  std::uint64_t kept = 0, transient = 0, edges = 0, evaluation = 0;
  for (std::size_t l = 0; l < static_cast<std::size_t>(model.layers); ++l) {
    const std::uint64_t in = u(rows[l]) * u(widths[l]), out = u(rows[l + 1]) * u(widths[l + 1]);
    const std::uint64_t layer_nnz = u(layer_edges(plan, data, rows[l + 1], l));
    if (l > 0) kept += 4 * in;
    const bool first = model.linear_aggregation() && !gemm_first(model, widths[l], widths[l + 1], sparse && l == 0);
    if (first) kept += 4 * u(rows[l + 1]) * u(widths[l]);
    if (model.kind == ModelKind::gat) kept += 4 * layer_nnz * u(model.heads) + 4 * u(rows[l]) * u(widths[l + 1]);
    if (model.kind == ModelKind::sage && model.aggregator == Aggregator::pool) kept += 12 * in;
    const std::uint64_t wide = sparse && l == 0 ? out : in;
    // Of sparse features the products of both weights are rows of the output's width, too.
    transient = std::max(transient, 4 * (2 * wide + (sparse && l == 0 ? 4 : 2) * out));
    if (mini) edges += 28 * layer_nnz;
    const std::uint64_t eval_in = sparse && l == 0 ? 0 : n * u(widths[l]);
    evaluation = std::max(evaluation, 4 * (eval_in + 3 * n * u(widths[l + 1])));
  }
  MemoryPlan out;
  out.parts.push_back({"LibTorch", kLibTorch});
  out.parts.push_back({"graph", 8 * (n + 1) + 4 * nnz + 9 * n});
  out.parts.push_back({"features", feature_bytes(data.features)});
  const bool transposed = sparse && !mini;
  if (transposed) out.parts.push_back({"transposed features", feature_bytes(data.features) + 8 * data.features.columns.size()});
  const bool stored_loops = model.uses_graph() && !model.linear_aggregation();
  if (!mini && stored_loops) out.parts.push_back({"graph with loops and its transposed", 28 * n + 16 * (nnz + n)});
  if (!mini && model.linear_aggregation() && !sparse && model.precompute_first != Tristate::off && !(model.dropout_input > 0))
    out.parts.push_back({"aggregated features", 4 * u(rows[0]) * u(widths[0])});
  if (mini) out.parts.push_back({"a batch's features and edges", 4 * (sparse ? 0 : u(rows[0]) * u(widths[0])) + edges});
  out.parts.push_back(
      {"parameters, gradients, moments", 16 * u(parameter_count(model_parameters(model, data.features.width, data.classes)))});
  const std::uint64_t training = kept + transient;
  out.parts.push_back(training >= evaluation ? MemoryPart{"activations", training} : MemoryPart{"evaluation", evaluation});
  return out;
}

std::uint64_t memory_limit(const TrainOptions& options) {
  return options.memory ? static_cast<std::uint64_t>(*options.memory) : memory_bytes() / 10 * 9;
}

void check_memory(const TrainPlan& plan, const Dataset& data) {
  const std::uint64_t limit = memory_limit(plan.options);
  const MemoryPlan memory = plan_memory(plan, data);
  if (memory.total() <= limit) return;
  std::string parts;
  for (const MemoryPart& part : memory.parts)
    parts += fmt::format("{}{} {:.1f} MB", parts.empty() ? "" : ", ", part.name, static_cast<double>(part.bytes) / 1e6);
  std::string advice = "no smaller width or batch fits";
  const auto fits = [&](const TrainPlan& smaller) { return plan_memory(smaller, data).total() <= limit; };
  for (int halvings = 1; halvings < 20 && advice.starts_with("no"); ++halvings) {
    TrainPlan smaller = plan;
    smaller.options.model.hidden = plan.options.model.hidden >> halvings;
    if (smaller.options.model.hidden < 1) break;
    if (smaller.options.model.kind == ModelKind::gat && smaller.options.model.hidden % smaller.options.model.heads != 0) break;
    if (fits(smaller)) advice = fmt::format("--hidden {} fits", smaller.options.model.hidden);
  }
  for (int halvings = 1; halvings < 30 && advice.starts_with("no") && plan.system.family() == Family::mini_batch; ++halvings) {
    TrainPlan smaller = plan;
    smaller.options.batch = plan.options.batch >> halvings;
    if (smaller.options.batch < 1) break;
    if (fits(smaller)) advice = fmt::format("--batch {} fits", smaller.options.batch);
  }
  infeasible_error(fmt::format("the run needs about {:.1f} MB ({}), and {:.1f} MB are allowed; {}, or allow more with --memory",
                               static_cast<double>(memory.total()) / 1e6, parts, static_cast<double>(limit) / 1e6, advice));
}

}  // namespace tenfold::gnnbench
