#include "gnnbench/memory_plan.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "base/host.h"
#include "gnnbench/sampler.h"

namespace tenfold::gnnbench {
namespace {

constexpr std::uint64_t kLibTorch = 136u << 20;  // the library's own pages, as measured
constexpr std::uint64_t kOpenMpi = 9u << 20;     // and Open MPI's
// The block's index and its transposed one with the places, what the sampler keeps of them, and the digest's ids.
constexpr std::uint64_t kBytesOfEdge = 4 + 12 + 4 + 16;

constexpr const char* kLibrary = "LibTorch";
// Files and libraries: no memory of the heap.
bool is_mapped(const MemoryPart& part) { return part.name == kLibrary || part.name == "graph" || part.name == "features"; }

// What a layer takes in and gives.
struct LayerSize {
  std::int64_t rows_in = 0, rows_out = 0, width_in = 0, width_out = 0;
  std::uint64_t edges = 0;
  bool first = false;  // of constant features
};

std::uint64_t u(std::int64_t value) { return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)); }

std::uint64_t feature_bytes(const Features& x) {
  return x.sparse() ? 8 * x.indptr.size() + 8 * x.columns.size() : 4 * x.dense.size();
}

std::int64_t inner_rows(const TrainPlan& plan, std::int64_t n) { return (n + plan.system.workers - 1) / plan.system.workers; }

// Rows that a full-graph worker gets from others, at most: each of its edges may come from another node.
std::int64_t halo_rows(const TrainPlan& plan, const Dataset& data) {
  const std::int64_t n = data.nodes(), inner = inner_rows(plan, n);
  return plan.system.workers == 1 ? 0 : std::min(n - inner, data.graph.edges() / plan.system.workers);
}

// Rows that each layer takes in, inputs first, at most.
std::vector<std::int64_t> layer_rows(const TrainPlan& plan, const Dataset& data) {
  const auto layers = static_cast<std::size_t>(plan.options.model.layers);
  const std::int64_t n = data.nodes();
  const SystemSpec& s = plan.system;
  if (s.family() != Family::mini_batch) return std::vector<std::int64_t>(layers + 1, inner_rows(plan, n) + halo_rows(plan, data));
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

namespace {

// Floats of one layer that a pass needs at once besides what the backward pass keeps.
std::uint64_t pass_floats(const ModelSpec& model, const LayerSize& s, bool sparse, bool known) {
  const std::uint64_t in = u(s.rows_in) * u(s.width_in), out = u(s.rows_out) * u(s.width_out);
  const std::uint64_t contributed = u(s.rows_in) * u(s.width_out);
  if (!model.uses_graph()) return (sparse ? 2 : 1) * out + (s.first ? 0 : 2 * in);
  if (model.kind == ModelKind::gat) return 2 * contributed + 2 * out + (s.first ? 0 : 2 * in);
  if (!model.linear_aggregation()) return 3 * in + 2 * out;  // pool: what is aggregated is as wide as the input
  // Of sparse rows the products of both weights are rows of the output's width.
  if (sparse) return 2 * contributed + 2 * out;
  if (known) return 2 * out;
  // Gradients of the output, of what was aggregated or multiplied first, and of the input before and after its mask.
  const bool gemm = gemm_first(model, s.width_in, s.width_out, false);
  return out + (gemm ? contributed : u(s.rows_out) * u(s.width_in)) + (s.first ? 0 : 2 * in);
}

// Floats that the backward pass finds again of a layer.
std::uint64_t kept_floats(const ModelSpec& model, const LayerSize& s, bool sparse, bool known) {
  const std::uint64_t in = u(s.rows_in) * u(s.width_in);
  std::uint64_t kept = s.first ? 0 : in;
  const bool aggregates_first =
      model.linear_aggregation() && !sparse && !known && !gemm_first(model, s.width_in, s.width_out, false);
  if (aggregates_first) kept += u(s.rows_out) * u(s.width_in);
  if (model.kind == ModelKind::gat) kept += s.edges * u(model.heads) + u(s.rows_in) * u(s.width_out);
  if (model.kind == ModelKind::sage && model.aggregator == Aggregator::pool) kept += 3 * in;
  return kept;
}

// One layer of exact inference over all n rows, in chunks: bytes.
std::uint64_t evaluation_bytes(const ModelSpec& model, const LayerSize& s, std::uint64_t n, std::uint64_t nnz,
                               std::uint64_t chunk, bool sparse) {
  const std::uint64_t in = u(s.width_in), out = u(s.width_out);
  const bool first_aggregated = model.linear_aggregation() && !gemm_first(model, s.width_in, s.width_out, sparse);
  std::uint64_t floats = (s.first ? 0 : n * in) + n * out + chunk * 2 * out;
  if (model.uses_graph())
    floats += first_aggregated ? chunk * in : n * (model.linear_aggregation() || model.kind == ModelKind::gat ? out : in);
  return 4 * floats + (model.uses_graph() ? 4 * (nnz + n) * chunk / std::max<std::uint64_t>(n, 1) + 16 * chunk : 0);
}

}  // namespace

MemoryPlan plan_memory(const TrainPlan& plan, const Dataset& data) {
  const ModelSpec& model = plan.options.model;
  const std::vector<std::int64_t> widths = layer_widths(model, data.features.width, data.classes);
  const std::vector<std::int64_t> rows = layer_rows(plan, data);
  const bool mini = plan.system.family() == Family::mini_batch, sparse = data.features.sparse();
  const auto workers = static_cast<std::uint64_t>(plan.system.workers);
  const std::uint64_t n = u(data.nodes()), nnz = u(data.graph.edges());
  const std::uint64_t entries = data.features.columns.size(), width = u(data.features.width);
  const bool known = !mini && model.linear_aggregation() && !sparse && model.precompute_first != Tristate::off &&
                     !(model.dropout_input > 0) && !plan.options.refetch_input;

  std::uint64_t kept = 0, pass = 0, edges = 0, evaluation = 0;
  const std::uint64_t chunk = std::min(n, u(plan.options.row_chunk));
  for (std::size_t l = 0; l < static_cast<std::size_t>(model.layers); ++l) {
    LayerSize s{.rows_in = rows[l],
                .rows_out = mini ? rows[l + 1] : inner_rows(plan, data.nodes()),
                .width_in = widths[l],
                .width_out = widths[l + 1],
                .edges = 0,
                .first = l == 0};
    s.edges = u(layer_edges(plan, data, s.rows_out, l));
    const bool first_sparse = sparse && l == 0, first_known = known && l == 0;
    kept += kept_floats(model, s, first_sparse, first_known);
    pass = std::max(pass, pass_floats(model, s, first_sparse, first_known));
    edges += s.edges;
    evaluation = std::max(evaluation, evaluation_bytes(model, s, n, nnz, chunk, first_sparse));
  }

  MemoryPlan out;
  out.parts.push_back({kLibrary, kLibTorch + (workers > 1 && plan.options.comm == Comm::mpi ? kOpenMpi : 0)});
  out.parts.push_back({"graph", 8 * (n + 1) + 4 * nnz + 9 * n});
  out.parts.push_back({"features", feature_bytes(data.features)});
  // By feature: place, entry and where it stands by row.
  if (sparse && !mini) out.parts.push_back({"transposed features", (8 * (width + 1) + 12 * entries) / workers});
  const bool stored_loops = model.uses_graph() && !model.linear_aggregation();
  if (!mini && workers > 1) {
    const std::uint64_t halo = u(halo_rows(plan, data)), own_rows = u(rows[0]);
    const std::uint64_t own_features = sparse ? 8 * entries * own_rows / std::max<std::uint64_t>(n, 1) : 4 * own_rows * width;
    out.parts.push_back({"the worker's part", (24 * n + 20 * (nnz + n)) / workers + 4 * n + own_features});
    // Rows and gradients on their way, of this epoch and the one before.
    std::uint64_t columns = 0;
    for (std::size_t l = 1; l < static_cast<std::size_t>(model.layers); ++l) columns += u(widths[l]);
    const std::uint64_t messages = plan.system.method == Method::pipe ? 6 : 2;
    out.parts.push_back({"boundary rows", 4 * messages * halo * columns});
  } else if (!mini && stored_loops) {
    out.parts.push_back({"graph with loops and its transposed", 28 * n + 16 * (nnz + n)});
  }
  if (known) out.parts.push_back({"aggregated features", 4 * u(inner_rows(plan, data.nodes())) * width});
  if (mini) {
    const std::uint64_t share = n > 0 ? entries * u(rows[0]) / n : 0;
    out.parts.push_back({"a batch's features and edges",
                         (sparse ? 20 * share + 8 * (width + 1) : 4 * u(rows[0]) * width) + kBytesOfEdge * edges});
  }
  if (mini) out.parts.push_back({"tables of nodes", 16 * n});  // local ids; order and parts
  // Weights, gradients, two moments and the best weights so far; then Adam's temporary, sparse features' gradient twice, what is
  // sent to the other workers and comes from them.
  std::uint64_t count = 0, largest = 0;
  for (const ParameterSpec& p : model_parameters(model, data.features.width, data.classes)) {
    std::uint64_t entries_of = 1;
    for (const std::int64_t side : p.shape) entries_of *= u(side);
    count += entries_of;
    largest = std::max(largest, entries_of);
  }
  out.parts.push_back(
      {"parameters, gradients, moments", 20 * count + (sparse ? 12 : 4) * largest + (workers > 1 ? 8 * count : 0)});
  const std::uint64_t training = 4 * (kept + pass);
  out.parts.push_back(training >= evaluation ? MemoryPart{"activations", training} : MemoryPart{"evaluation", evaluation});
  // What is freed stays with the process, and what is asked for next does not always fit: as measured, over what is not mapped.
  std::uint64_t mapped = 0;
  for (const MemoryPart& part : out.parts)
    if (is_mapped(part)) mapped += part.bytes;
  out.parts.push_back({"gaps", (out.total() - mapped) * 24 / 100});
  return out;
}

std::uint64_t memory_limit(const TrainOptions& options) {
  return options.memory ? static_cast<std::uint64_t>(*options.memory) : memory_bytes() / 10 * 9;
}

namespace {

// What the run's processes hold together: the graph and the features are mapped by all of them.
std::uint64_t of_all_workers(const TrainPlan& plan, const Dataset& data) {
  const MemoryPlan memory = plan_memory(plan, data);
  std::uint64_t shared = 0;
  for (const MemoryPart& part : memory.parts)
    if (is_mapped(part) && part.name != kLibrary) shared += part.bytes;
  const std::uint64_t own = memory.total() - shared;
  return shared + own * (plan.system.workers > 1 ? u(plan.system.workers) : 1);
}

// The greatest value in [1, below] of a setting that `fits` says yes to, being monotone; 0: none.
template <class Fits>
std::int64_t greatest(std::int64_t below, const Fits& fits) {
  std::int64_t good = 0, bad = below + 1;
  while (bad - good > 1) {
    const std::int64_t middle = good + (bad - good) / 2;
    (fits(middle) ? good : bad) = middle;
  }
  return good;
}

// What to type: where the system sets the option for itself, the system's word.
std::string setting(const TrainPlan& plan, const std::string& key, std::int64_t value) {
  SystemSpec system = parse_system(plan.options.system);
  for (auto& [own, text] : system.overrides)
    if (own == key) {
      text = std::to_string(value);
      return "--system " + to_string(system);
    }
  return fmt::format("--{} {}", key, value);
}

// The largest width, else the largest batch, with which the run fits; empty: none.
std::string largest_setting(const TrainPlan& plan, const Dataset& data, std::uint64_t limit) {
  const ModelSpec& model = plan.options.model;
  const std::int64_t step = model.kind == ModelKind::gat ? model.heads : 1;
  const auto with_width = [&](std::int64_t steps) {
    TrainPlan smaller = plan;
    smaller.options.model.hidden = steps * step;
    return smaller;
  };
  const auto fits = [&](const TrainPlan& smaller) { return of_all_workers(smaller, data) <= limit; };
  if (model.layers > 1)
    if (const std::int64_t steps = greatest(model.hidden / step, [&](std::int64_t i) { return fits(with_width(i)); }))
      return setting(plan, "hidden", steps * step);
  const bool batches = plan.system.method == Method::ns || plan.system.method == Method::labor;
  if (!batches) return "";
  const std::int64_t batch = greatest(plan.options.batch, [&](std::int64_t b) {
    TrainPlan smaller = with_width(1);
    smaller.options.model.hidden = model.hidden;
    smaller.options.batch = b;
    return fits(smaller);
  });
  return batch > 0 ? setting(plan, "batch", batch) : "";
}

}  // namespace

void check_memory(const TrainPlan& plan, const Dataset& data) {
  const std::uint64_t limit = memory_limit(plan.options), needed = of_all_workers(plan, data);
  if (needed <= limit) return;
  std::string parts;
  for (const MemoryPart& part : plan_memory(plan, data).parts)
    parts += fmt::format("{}{} {:.1f} MB", parts.empty() ? "" : ", ", part.name, static_cast<double>(part.bytes) / 1e6);
  const std::string smaller = largest_setting(plan, data, limit);
  infeasible_error(fmt::format("the run needs about {:.1f} MB ({}{}), and {:.1f} MB are allowed; {}, --memory {} allows this one",
                               static_cast<double>(needed) / 1e6, plan.system.workers > 1 ? "each worker: " : "", parts,
                               static_cast<double>(limit) / 1e6,
                               smaller.empty() ? "no smaller width or batch fits" : smaller + " fits", needed));
}

bool memory_is_tight(const TrainPlan& plan, const Dataset& data) {
  return of_all_workers(plan, data) > memory_limit(plan.options) / 3 * 2;
}

}  // namespace tenfold::gnnbench
