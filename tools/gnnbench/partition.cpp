// Parts of a graph.
#include "gnnbench/partition.h"

#include <metis.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "gnnbench/keyed_random.h"

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

static_assert(sizeof(idx_t) == 4, "another width of idx_t gives other parts than gpmetis of Debian's METIS 5.1.0");
constexpr std::int64_t kMetisLimit = std::numeric_limits<idx_t>::max();

// Equal shares of 0..n-1: part w has the ranks r with floor(r k / n) = w.
std::int32_t share_of(std::int64_t rank, int k, std::int64_t n) { return static_cast<std::int32_t>(rank * k / n); }

std::vector<std::int32_t> random_parts(std::int64_t n, int k, std::uint64_t seed) {
  const RandomKey key{seed};
  std::vector<std::pair<std::uint64_t, NodeId>> order(at(n));
  for (std::int64_t v = 0; v < n; ++v) {
    const auto w = key.words(Purpose::partition, 0, 0, static_cast<std::uint32_t>(v), 0);
    order[at(v)] = {static_cast<std::uint64_t>(w[0]) << 32 | w[1], static_cast<NodeId>(v)};
  }
  std::sort(order.begin(), order.end());
  std::vector<std::int32_t> parts(at(n));
  for (std::int64_t i = 0; i < n; ++i) parts[at(order[at(i)].second)] = share_of(i, k, n);
  return parts;
}

// Each edge of a directed graph in both rows.
Csr symmetrised(CsrView graph) {
  std::vector<Edge> edges;
  edges.reserve(at(graph.edges()));
  for (std::int64_t v = 0; v < graph.rows(); ++v)
    for (const NodeId u : graph.row(v)) edges.push_back({u, static_cast<NodeId>(v)});
  return build_graph(graph.rows(), std::move(edges), Direction::symmetric).csr;
}

// METIS catches SIGTERM while it works and returns METIS_ERROR for it; nothing else that reaches it here does.
void check_metis(int status) {
  switch (status) {
    case METIS_OK: return;
    case METIS_ERROR_MEMORY: machine_error("METIS ran out of memory; --partition random or range needs none");
    case METIS_ERROR_INPUT: machine_error("METIS refuses the graph; use --partition random or range");
    default: throw Error(ExitCode::interrupted, "interrupted");
  }
}

// Default options but for the objective and the seed, so that the parts are those of gpmetis -objtype=... -seed=....
Partition metis_parts(CsrView graph, int k, std::span<const std::uint8_t> train, const PartitionOptions& options) {
  if (graph.edges() > kMetisLimit)
    input_error(std::to_string(graph.edges()) + " edges are too many for METIS, which counts in 32 bits; use --partition range");
  std::vector<idx_t> starts(graph.indptr.begin(), graph.indptr.end());
  // METIS takes them as not const, and leaves them as they are.
  static_assert(std::is_same_v<idx_t, NodeId>);
  idx_t* neighbours = const_cast<idx_t*>(graph.indices.data());

  auto nodes = static_cast<idx_t>(graph.rows());
  idx_t constraints = 1, count = k, objective = 0;
  std::vector<idx_t> weights;
  if (options.balance_train && std::find(train.begin(), train.end(), 1) != train.end()) {
    constraints = 2;
    weights.reserve(2 * at(nodes));
    for (const std::uint8_t in_train : train) weights.insert(weights.end(), {1, in_train});
  }
  idx_t settings[METIS_NOPTIONS];
  METIS_SetDefaultOptions(settings);
  settings[METIS_OPTION_OBJTYPE] = options.objective == PartitionObjective::vol ? METIS_OBJTYPE_VOL : METIS_OBJTYPE_CUT;
  settings[METIS_OPTION_SEED] = static_cast<idx_t>(options.seed);

  Partition out;
  out.parts = k;
  out.part_of.resize(at(nodes));
  check_metis(METIS_PartGraphKway(&nodes, &constraints, starts.data(), neighbours, weights.empty() ? nullptr : weights.data(),
                                  nullptr, nullptr, &count, nullptr, nullptr, settings, &objective, out.part_of.data()));
  out.metis_objective = objective;
  return out;
}

}  // namespace

const char* name_of(PartitionMethod method) {
  switch (method) {
    case PartitionMethod::metis: return "metis";
    case PartitionMethod::random: return "random";
    case PartitionMethod::range: return "range";
  }
  return "";
}

const char* name_of(PartitionObjective objective) { return objective == PartitionObjective::vol ? "vol" : "cut"; }

Partition partition_graph(CsrView graph, bool symmetric, int k, std::span<const std::uint8_t> train,
                          const PartitionOptions& options) {
  const std::int64_t n = graph.rows();
  if (k < 1) usage_error("cannot make " + std::to_string(k) + " parts; at least 1");
  if (k > n)
    usage_error("cannot make " + std::to_string(k) + " parts of " + std::to_string(n) + " nodes; at most as many as nodes");
  Partition out;
  out.parts = k;
  if (k == 1) {
    out.part_of.assign(at(n), 0);
    return out;
  }
  switch (options.method) {
    case PartitionMethod::random: out.part_of = random_parts(n, k, options.seed); break;
    case PartitionMethod::range:
      out.part_of.resize(at(n));
      for (std::int64_t v = 0; v < n; ++v) out.part_of[at(v)] = share_of(v, k, n);
      break;
    case PartitionMethod::metis:
      if (options.seed > static_cast<std::uint64_t>(kMetisLimit)) usage_error("METIS takes seeds below 2^31");
      if (symmetric) return metis_parts(graph, k, train, options);
      return metis_parts(symmetrised(graph).view(), k, train, options);
  }
  return out;
}

std::int64_t Boundary::halo_rows() const {
  std::int64_t rows = 0;
  for (const auto& of_part : halo) rows += static_cast<std::int64_t>(of_part.size());
  return rows;
}

Boundary boundary(CsrView graph, bool symmetric, const Partition& partition) {
  const std::vector<std::int32_t>& part = partition.part_of;
  const std::size_t k = at(partition.parts);
  Boundary out;
  out.parts = partition.parts;
  out.halo.resize(k);
  out.send.assign(k, std::vector<std::vector<NodeId>>(k));

  // A node goes where one of its out-neighbours lives, once a part; ascending, as the nodes are visited so.
  const Csr reversed = symmetric ? Csr{} : transpose(graph, graph.rows());
  const CsrView out_edges = symmetric ? graph : reversed.view();
  std::vector<std::int64_t> last_sent(k, -1);
  for (std::int64_t u = 0; u < graph.rows(); ++u) {
    const std::int32_t home = part[at(u)];
    for (const NodeId v : out_edges.row(u)) {
      const std::int32_t away = part[at(v)];
      if (away == home) continue;
      ++out.cut_edges;
      if (last_sent[at(away)] == u) continue;
      last_sent[at(away)] = u;
      out.send[at(home)][at(away)].push_back(static_cast<NodeId>(u));
    }
  }
  if (symmetric) out.cut_edges /= 2;
  for (std::size_t w = 0; w < k; ++w)
    for (std::size_t owner = 0; owner < k; ++owner)
      out.halo[w].insert(out.halo[w].end(), out.send[owner][w].begin(), out.send[owner][w].end());
  return out;
}

}  // namespace tenfold::gnnbench
