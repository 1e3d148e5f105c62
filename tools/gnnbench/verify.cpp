#include "gnnbench/verify.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "gnnbench/keyed_dropout.h"
#include "gnnbench/partition.h"
#include "gnnbench/sampler.h"
#include "gnnbench/spmm.h"

namespace tenfold::gnnbench {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Entries in [-1, 1), functions of their place.
std::vector<float> random_rows(std::int64_t rows, std::int64_t width, const RandomKey& key) {
  std::vector<float> x(at(rows) * at(width));
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(2 * key.uniform(Purpose::generate, 0, 0, static_cast<std::uint32_t>(i >> 16), i & 0xffff) - 1);
  return x;
}

// A plain sum in float64, and the sum of its terms' magnitudes: rounding is proportional to that.
struct Plain {
  std::vector<double> sum, magnitude;
};

double largest_gap(const std::vector<float>& ours, const Plain& plain) {
  double gap = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double each = std::abs(static_cast<double>(ours[i]) - plain.sum[i]) / std::max(1.0, plain.magnitude[i]);
    if (!(each <= gap)) gap = each;  // a NaN stays
    if (std::isnan(gap)) break;
  }
  return gap;
}

struct Weights {
  std::vector<float> column, divide;  // empty: 1
  bool loop = false;
};

// out[v] = sum over u in row v (and v) of column[u] x[u], over divide[v]; the slow and obvious way.
Plain plain_product(CsrView graph, const Weights& w, const std::vector<float>& x, std::int64_t width) {
  Plain out{std::vector<double>(x.size()), std::vector<double>(x.size())};
  for (std::int64_t v = 0; v < graph.rows(); ++v) {
    const auto add = [&](std::int64_t u) {
      const double weight = w.column.empty() ? 1.0 : static_cast<double>(w.column[at(u)]);
      for (std::int64_t j = 0; j < width; ++j) {
        const double term = weight * static_cast<double>(x[at(u * width + j)]);
        out.sum[at(v * width + j)] += term;
        out.magnitude[at(v * width + j)] += std::abs(term);
      }
    };
    for (const NodeId u : graph.row(v)) add(u);
    if (w.loop) add(v);
    if (!w.divide.empty())
      for (std::int64_t j = 0; j < width; ++j) {
        out.sum[at(v * width + j)] /= static_cast<double>(w.divide[at(v)]);
        out.magnitude[at(v * width + j)] /= static_cast<double>(w.divide[at(v)]);
      }
  }
  return out;
}

Check product(const std::string& name, CsrView graph, const Weights& w, const RandomKey& key, ThreadPool& pool) {
  double gap = 0;
  for (const std::int64_t width : {1, 16, 67}) {
    const std::vector<float> x = random_rows(graph.rows(), width, key);
    std::vector<float> out(x.size());
    SpmmInput input{.graph = graph, .column_weights = w.column, .divide = w.divide, .x = x, .width = width};
    input.add_self = w.loop;
    spmm(input, w.divide.empty() ? Reduce::sum : Reduce::mean, out, pool);
    const double each = largest_gap(out, plain_product(graph, w, x, width));
    if (!(each <= gap)) gap = each;
  }
  return {name, gap, 1e-5};
}

// dx[u] = sum over v with u in row v of dy[v]: the loop over the edges of the forward graph, scattered.
Check transposed_product(CsrView graph, const RandomKey& key, ThreadPool& pool) {
  const std::int64_t width = 16;
  const std::vector<float> dy = random_rows(graph.rows(), width, key);
  Plain plain{std::vector<double>(dy.size()), std::vector<double>(dy.size())};
  for (std::int64_t v = 0; v < graph.rows(); ++v)
    for (const NodeId u : graph.row(v))
      for (std::int64_t j = 0; j < width; ++j) {
        const auto term = static_cast<double>(dy[at(v * width + j)]);
        plain.sum[at(u * width + j)] += term;
        plain.magnitude[at(u * width + j)] += std::abs(term);
      }
  const TransposedGraph transposed = transpose_with_edges(graph, graph.rows());
  std::vector<float> dx(dy.size());
  spmm({.graph = transposed.csr.view(), .x = dy, .width = width}, Reduce::sum, dx, pool);
  return {"products: transposed sum", largest_gap(dx, plain), 1e-5};
}

Check maximum(CsrView graph, const RandomKey& key, ThreadPool& pool) {
  const std::int64_t width = 16;
  const std::vector<float> x = random_rows(graph.rows(), width, key);
  std::vector<float> out(x.size());
  std::vector<std::int32_t> argmax(x.size());
  spmm_max<float>(graph, false, x, width, out, argmax, pool);
  Plain plain{std::vector<double>(x.size()), std::vector<double>(x.size())};
  for (std::int64_t v = 0; v < graph.rows(); ++v)
    for (std::int64_t j = 0; j < width && graph.degree(v) > 0; ++j) {
      double best = -2;
      for (const NodeId u : graph.row(v)) best = std::max(best, static_cast<double>(x[at(u * width + j)]));
      plain.sum[at(v * width + j)] = best;
    }
  return {"products: maximum", largest_gap(out, plain), 0};
}

Check ns_rows(CsrView graph, const RandomKey& key, std::span<const NodeId> all) {
  const std::int64_t fanout = 5;
  const MiniBatch batch = make_ns({.graph = graph, .key = key}, {fanout})->sample(0, all);
  const Block& block = batch.blocks.front();
  double violations = 0;
  for (std::int64_t v = 0; v < block.destinations; ++v) {
    std::set<NodeId> kept;
    for (const NodeId local : block.view().row(v)) kept.insert(block.sources[at(local)]);
    const auto row = graph.row(all[at(v)]);
    const bool inside =
        std::all_of(kept.begin(), kept.end(), [&](NodeId u) { return std::binary_search(row.begin(), row.end(), u); });
    const auto wanted = std::min<EdgeIndex>(fanout, static_cast<EdgeIndex>(row.size()));
    violations += !inside || static_cast<EdgeIndex>(kept.size()) != wanted || block.view().degree(v) != wanted;
  }
  return {"samples: ns keeps min(5, d) distinct in-neighbours", violations, 0};
}

// A source's uniform r is at most k/d of every row that kept it, and above k/d of every row that dropped it.
Check labor_rows(CsrView graph, const RandomKey& key, std::span<const NodeId> all) {
  const std::int64_t fanout = 3;
  const MiniBatch batch = make_labor({.graph = graph, .key = key}, {fanout})->sample(0, all);
  const Block& block = batch.blocks.front();
  std::vector<double> above(at(graph.rows()), -1), at_most(at(graph.rows()), 2);
  double violations = 0;
  for (std::int64_t v = 0; v < block.destinations; ++v) {
    std::set<NodeId> kept;
    for (const NodeId local : block.view().row(v)) kept.insert(block.sources[at(local)]);
    const auto row = graph.row(all[at(v)]);
    const double rate = static_cast<double>(fanout) / static_cast<double>(std::max<std::size_t>(1, row.size()));
    for (const NodeId u : row) {
      if (kept.erase(u) > 0)
        at_most[at(u)] = std::min(at_most[at(u)], rate);
      else
        above[at(u)] = std::max(above[at(u)], rate);
    }
    violations += static_cast<double>(kept.size());  // sources that are no in-neighbours
  }
  for (std::size_t u = 0; u < above.size(); ++u) violations += above[u] >= at_most[u] || above[u] >= 1;
  return {"samples: one uniform a source explains labor's edges", violations, 0};
}

Check cluster_edges(const Dataset& data, const RandomKey& key) {
  const int parts = static_cast<int>(std::min<std::int64_t>(4, data.nodes()));
  PartitionOptions range;
  range.method = PartitionMethod::range;
  const Partition partition = partition_graph(data.graph, true, parts, {}, range);
  const std::vector<std::uint8_t> none(at(data.nodes()));
  const std::vector<NodeId> chosen = parts > 1 ? std::vector<NodeId>{0, static_cast<NodeId>(parts - 1)} : std::vector<NodeId>{0};
  const MiniBatch batch = make_cluster({.graph = data.graph, .key = key}, partition.part_of, none, 1)->sample(0, chosen);
  const Block& block = batch.blocks.front();
  std::set<std::pair<NodeId, NodeId>> drawn;
  for (std::int64_t v = 0; v < block.destinations; ++v)
    for (const NodeId local : block.view().row(v)) drawn.insert({block.sources[at(v)], block.sources[at(local)]});
  const auto in_batch = [&](NodeId v) {
    return std::find(chosen.begin(), chosen.end(), partition.part_of[at(v)]) != chosen.end();
  };
  double wanted = 0, absent = 0;
  for (NodeId v = 0; v < data.nodes(); ++v)
    for (const NodeId u : data.graph.row(v)) {
      if (!in_batch(v) || !in_batch(u)) continue;
      ++wanted;
      absent += !drawn.contains({v, u});
    }
  return {"samples: cluster holds the edges between its parts", absent + std::abs(wanted - static_cast<double>(block.edges())),
          0};
}

}  // namespace

std::vector<Check> graph_checks(const Dataset& data) {
  double violations = 0;
  for (std::int64_t v = 0; v < data.nodes(); ++v) {
    NodeId before = -1;
    for (const NodeId u : data.graph.row(v)) {
      violations += u <= before || u == v || u >= data.nodes();
      before = u;
    }
  }
  std::vector<Check> checks = {{"graph: rows ascend, no repeats, no loops", violations, 0}};
  if (data.direction == Direction::symmetric) {
    double one_way = 0;
    for (std::int64_t v = 0; v < data.nodes(); ++v)
      for (const NodeId u : data.graph.row(v)) {
        const auto back = data.graph.row(u);
        one_way += !std::binary_search(back.begin(), back.end(), static_cast<NodeId>(v));
      }
    checks.push_back({"graph: each edge has its reverse", one_way, 0});
  }
  return checks;
}

std::vector<Check> product_checks(const Dataset& data, const RandomKey& key, ThreadPool& pool) {
  const CsrView graph = data.graph;
  Weights mean, looped, gcn;
  looped.loop = gcn.loop = true;
  for (std::int64_t v = 0; v < graph.rows(); ++v) {
    const auto d = static_cast<float>(graph.degree(v));
    mean.divide.push_back(std::max(d, 1.0F));
    looped.divide.push_back(d + 1);
    gcn.divide.push_back(std::sqrt(d + 1));
    gcn.column.push_back(1 / std::sqrt(d + 1));
  }
  return {product("products: sum", graph, {}, key, pool),
          product("products: mean", graph, mean, key, pool),
          product("products: mean with loops", graph, looped, key, pool),
          product("products: gcn weights", graph, gcn, key, pool),
          transposed_product(graph, key, pool),
          maximum(graph, key, pool)};
}

std::vector<Check> sample_checks(const Dataset& data, const RandomKey& key) {
  std::vector<NodeId> all(at(data.nodes()));
  for (std::size_t v = 0; v < all.size(); ++v) all[v] = static_cast<NodeId>(v);
  return {ns_rows(data.graph, key, all), labor_rows(data.graph, key, all), cluster_edges(data, key)};
}

std::vector<Check> dropout_checks(const Dataset& data, const RandomKey& key, ThreadPool& pool) {
  const std::int64_t width = 19;
  const DropoutKey dropout{.key = key, .update = 7, .layer = 1, .p = 0.5};
  const std::vector<float> x = random_rows(data.nodes(), width, key);
  std::vector<float> whole(x.size()), alone(x.size());
  ThreadPool one(1);
  dropout_rows(dropout, {}, x, width, whole, pool);
  dropout_rows(dropout, {}, x, width, alone, one);
  // Every other node, from the last one back: as a worker or a sample might hold them.
  std::vector<NodeId> some;
  std::vector<float> rows;
  for (std::int64_t v = data.nodes() - 1; v >= 0; v -= 2) {
    some.push_back(static_cast<NodeId>(v));
    rows.insert(rows.end(), x.begin() + v * width, x.begin() + (v + 1) * width);
  }
  std::vector<float> out(rows.size());
  dropout_rows(dropout, some, rows, width, out, pool);
  double differing = 0, by_threads = 0, dropped = 0;
  for (std::size_t i = 0; i < some.size(); ++i)
    for (std::int64_t j = 0; j < width; ++j) differing += out[i * at(width) + at(j)] != whole[at(some[i] * width + j)];
  for (std::size_t i = 0; i < whole.size(); ++i) {
    by_threads += whole[i] != alone[i];
    dropped += whole[i] == 0;
  }
  const auto entries = static_cast<double>(whole.size());
  return {{"dropout: a node's mask, whoever holds it", differing, 0},
          {"dropout: the same with one thread", by_threads, 0},
          // In standard errors of the share that is dropped.
          {"dropout: half of the entries, in standard errors", std::abs(dropped - entries / 2) / (std::sqrt(entries) / 2), 5}};
}

std::vector<Check> partition_checks(const Dataset& data, const std::vector<int>& parts) {
  const bool symmetric = data.direction == Direction::symmetric;
  std::vector<Check> checks;
  for (const int k : parts) {
    if (k < 2 || k > data.nodes()) continue;
    const Partition partition = partition_graph(data.graph, symmetric, k, {}, {});
    const Boundary crossing = boundary(data.graph, symmetric, partition);
    std::set<std::pair<std::int32_t, NodeId>> halo;  // (part, node that it fetches)
    for (std::int64_t v = 0; v < data.nodes(); ++v)
      for (const NodeId u : data.graph.row(v))
        if (partition.part_of[at(u)] != partition.part_of[at(v)]) halo.insert({partition.part_of[at(v)], u});
    std::int64_t fetched = 0, sent = 0;
    for (const auto& rows : crossing.halo) fetched += static_cast<std::int64_t>(rows.size());
    for (const auto& row : crossing.send)
      for (const auto& nodes : row) sent += static_cast<std::int64_t>(nodes.size());
    const auto by_hand = static_cast<std::int64_t>(halo.size());
    const std::string what = "parts: " + std::to_string(k) + " parts fetch what is sent";
    checks.push_back({what, static_cast<double>(std::abs(fetched - by_hand) + std::abs(sent - by_hand)), 0});
    if (symmetric && partition.metis_objective >= 0)
      checks.push_back({"parts: METIS's volume of " + std::to_string(k) + " parts is that number",
                        static_cast<double>(std::abs(partition.metis_objective - by_hand)), 0});
  }
  return checks;
}

}  // namespace tenfold::gnnbench
