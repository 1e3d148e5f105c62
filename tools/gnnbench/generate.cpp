// Graphs made by rule.
#include "gnnbench/generate.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/error.h"
#include "base/threads.h"
#include "gnnbench/keyed_random.h"

namespace tenfold::gnnbench {

namespace {

// What a number is drawn for: the `layer` of the Philox counter. Part of every generated graph, never renumber.
enum Stream : std::uint32_t { kClass = 0, kTheta = 1, kEdge = 2, kFeature = 3, kMean = 4, kNoise = 5, kOrder = 6 };

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr std::int64_t kChunk = 16'384;  // nodes or edges that a thread takes at a time

template <class Body>
void in_chunks(std::int64_t n, int threads, const Body& body) {
  parallel_for(static_cast<int>((n + kChunk - 1) / kChunk), threads, [&](int chunk) {
    const std::int64_t begin = chunk * kChunk, end = std::min(n, begin + kChunk);
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

double unit(std::uint32_t high, std::uint32_t low) {  // [0, 1) from 53 bits
  return static_cast<double>((static_cast<std::uint64_t>(high) << 32 | low) >> 11) * 0x1p-53;
}

std::int32_t below(double u, int n) { return std::min(static_cast<std::int32_t>(u * n), n - 1); }

std::array<std::uint32_t, 4> edge_words(const RandomKey& key, std::int64_t edge, std::uint32_t draw) {
  const auto e = static_cast<std::uint64_t>(edge);
  return key.words(Purpose::generate, static_cast<std::uint32_t>(e >> 32), kEdge, static_cast<std::uint32_t>(e), draw);
}

// Four standard normals by Box and Muller from the four words of a draw.
std::array<double, 4> normals(const std::array<std::uint32_t, 4>& words) {
  std::array<double, 4> out{};
  for (std::size_t pair = 0; pair < 2; ++pair) {
    const double radius = std::sqrt(-2 * std::log((words[2 * pair] + 0.5) * 0x1p-32));
    const double angle = 2 * std::numbers::pi * (words[2 * pair + 1] * 0x1p-32);
    out[2 * pair] = radius * std::cos(angle);
    out[2 * pair + 1] = radius * std::sin(angle);
  }
  return out;
}

// Nodes grouped by class with running sums of their weights, from which a node is found by bisection.
class WeightedNodes {
 public:
  WeightedNodes(std::span<const double> theta, std::span<const std::int32_t> classes, int class_count)
      : first_(at(class_count) + 1, 0), node_(theta.size()), upto_(theta.size() + 1, 0) {
    for (const std::int32_t c : classes) ++first_[at(c) + 1];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    std::vector<std::int64_t> next(first_.begin(), first_.end() - 1);
    for (std::size_t v = 0; v < theta.size(); ++v) node_[at(next[at(classes[v])]++)] = static_cast<NodeId>(v);
    for (std::size_t i = 0; i < node_.size(); ++i) upto_[i + 1] = upto_[i] + theta[at(node_[i])];
  }

  NodeId any(double u) const { return within(0, static_cast<std::int64_t>(node_.size()), u); }
  // A class without nodes gives one of the whole graph.
  NodeId of_class(std::int32_t c, double u) const {
    const std::int64_t begin = first_[at(c)], end = first_[at(c) + 1];
    return begin == end ? any(u) : within(begin, end, u);
  }

 private:
  NodeId within(std::int64_t begin, std::int64_t end, double u) const {
    const double target = upto_[at(begin)] + u * (upto_[at(end)] - upto_[at(begin)]);
    const auto found = std::upper_bound(upto_.begin() + begin + 1, upto_.begin() + end, target);
    return node_[at(found - upto_.begin() - 1)];
  }

  std::vector<std::int64_t> first_;  // [classes + 1]
  std::vector<NodeId> node_;         // [n], by class
  std::vector<double> upto_;         // [n + 1]
};

std::int64_t random_edges(const GenerateOptions& options) {
  return std::llround(static_cast<double>(options.nodes) * options.degree / 2);
}

std::vector<Edge> block_model(const GenerateOptions& options, std::span<const std::int32_t> classes, int threads) {
  const RandomKey key{options.seed};
  std::vector<double> theta(at(options.nodes));
  in_chunks(options.nodes, threads, [&](std::int64_t v) {
    const double u = 1 - key.uniform(Purpose::generate, 0, kTheta, static_cast<std::uint32_t>(v));
    theta[at(v)] = std::pow(u, -1 / options.pareto);  // 1 + Lomax by its inverse distribution function
  });
  const WeightedNodes nodes(theta, classes, options.classes);
  std::vector<Edge> edges(at(random_edges(options)));
  in_chunks(static_cast<std::int64_t>(edges.size()), threads, [&](std::int64_t e) {
    const auto a = edge_words(key, e, 0), b = edge_words(key, e, 1);
    const NodeId u = nodes.any(unit(a[0], a[1]));
    const bool same = unit(a[2], a[3]) < options.class_probability;
    const std::int32_t c = same ? classes[at(u)] : below(unit(b[0], b[1]), options.classes);
    edges[at(e)] = {u, nodes.of_class(c, unit(b[2], b[3]))};
  });
  return edges;
}

// Ids in a random order, so that hubs do not lie side by side.
std::vector<NodeId> random_order(const GenerateOptions& options, int threads) {
  const RandomKey key{options.seed};
  std::vector<std::pair<std::uint64_t, NodeId>> rank(at(options.nodes));
  in_chunks(options.nodes, threads, [&](std::int64_t v) {
    const auto w = key.words(Purpose::generate, 0, kOrder, static_cast<std::uint32_t>(v), 0);
    rank[at(v)] = {static_cast<std::uint64_t>(w[0]) << 32 | w[1], static_cast<NodeId>(v)};
  });
  std::sort(rank.begin(), rank.end());
  std::vector<NodeId> order(rank.size());
  for (std::size_t i = 0; i < rank.size(); ++i) order[i] = rank[i].second;
  return order;
}

std::vector<Edge> recursive_matrix(const GenerateOptions& options, int threads) {
  const RandomKey key{options.seed};
  const std::vector<NodeId> order = random_order(options, threads);
  int levels = 0;
  while ((std::int64_t{1} << levels) < options.nodes) ++levels;
  // Cumulative shares of the quadrants (0,0), (0,1), (1,0) in 2^-32.
  constexpr std::uint32_t kUpperLeft = 2448131359u, kUpperRight = 3264175145u, kLowerLeft = 4080218931u;
  std::vector<Edge> edges(at(random_edges(options)));
  in_chunks(static_cast<std::int64_t>(edges.size()), threads, [&](std::int64_t e) {
    for (std::uint32_t attempt = 0;; ++attempt) {
      std::int64_t row = 0, column = 0;
      std::array<std::uint32_t, 4> words{};
      for (int level = 0; level < levels; ++level) {
        if (level % 4 == 0) words = edge_words(key, e, attempt * 8 + static_cast<std::uint32_t>(level / 4));
        const std::uint32_t w = words[at(level % 4)];
        row = row << 1 | (w >= kUpperRight);
        column = column << 1 | (w >= kLowerLeft || (w >= kUpperLeft && w < kUpperRight));
      }
      if (row < options.nodes && column < options.nodes) {
        edges[at(e)] = {order[at(row)], order[at(column)]};
        return;
      }
    }
  });
  return edges;
}

std::vector<Edge> shape(const GenerateOptions& options) {
  const std::int64_t n = options.nodes;
  const auto side = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(n))));
  std::vector<Edge> edges;
  const auto join = [&](std::int64_t u, std::int64_t v) { edges.push_back({static_cast<NodeId>(u), static_cast<NodeId>(v)}); };
  for (std::int64_t v = 0; v < n; ++v) switch (options.kind) {
      case GraphKind::ring: join(v, (v + 1) % n); break;
      case GraphKind::path:
        if (v + 1 < n) join(v, v + 1);
        break;
      case GraphKind::star:
        if (v > 0) join(0, v);
        break;
      case GraphKind::grid:
        if ((v + 1) % side != 0 && v + 1 < n) join(v, v + 1);
        if (v + side < n) join(v, v + side);
        break;
      case GraphKind::dcsbm:
      case GraphKind::rmat: break;
    }
  return edges;
}

}  // namespace

const char* name_of(GraphKind kind) {
  switch (kind) {
    case GraphKind::dcsbm: return "dcsbm";
    case GraphKind::rmat: return "rmat";
    case GraphKind::ring: return "ring";
    case GraphKind::grid: return "grid";
    case GraphKind::star: return "star";
    case GraphKind::path: return "path";
  }
  return "";
}

void check(const GenerateOptions& options) {
  if (options.nodes < 1 || options.nodes >= std::int64_t{1} << 31)
    usage_error("--nodes: " + std::to_string(options.nodes) + " is not in 1 .. 2^31 - 1");
  if (options.classes < 1) usage_error("--classes: at least 1");
  if (options.features < 0) usage_error("--features: at least 0");
  const bool random = options.kind == GraphKind::dcsbm || options.kind == GraphKind::rmat;
  if (random && !(options.degree >= 0 && static_cast<double>(options.nodes) * options.degree < 0x1p40))
    usage_error("--degree: nodes x degree must be in 0 .. 2^40");
}

GeneratedNodes generate_nodes(const GenerateOptions& options, int threads) {
  const RandomKey key{options.seed};
  GeneratedNodes out;
  out.classes.resize(at(options.nodes));
  out.labels.resize(at(options.nodes));
  in_chunks(options.nodes, threads, [&](std::int64_t v) {
    const auto node = static_cast<std::uint32_t>(v);
    const auto noise = key.words(Purpose::generate, 0, kNoise, node, 0);
    const std::int32_t y = below(key.uniform(Purpose::generate, 0, kClass, node), options.classes);
    const bool again = unit(noise[0], noise[1]) < options.label_noise;
    out.classes[at(v)] = y;
    out.labels[at(v)] = again ? below(unit(noise[2], noise[3]), options.classes) : y;
  });
  return out;
}

BuiltGraph generate_graph(const GenerateOptions& options, std::span<const std::int32_t> classes, int threads) {
  check(options);
  std::vector<Edge> edges = options.kind == GraphKind::dcsbm  ? block_model(options, classes, threads)
                            : options.kind == GraphKind::rmat ? recursive_matrix(options, threads)
                                                              : shape(options);
  return build_graph(options.nodes, std::move(edges), Direction::symmetric);
}

void generate_features(const GenerateOptions& options, std::span<const std::int32_t> classes, std::int64_t first,
                       std::span<float> out, int threads) {
  if (options.features == 0) return;
  const RandomKey key{options.seed};
  const auto width = at(options.features);
  const auto fill = [&](std::uint32_t stream, std::uint32_t id, const auto& put) {
    for (std::size_t f = 0; f < width; f += 4) {
      const auto four = normals(key.words(Purpose::generate, 0, stream, id, static_cast<std::uint32_t>(f / 4)));
      for (std::size_t lane = 0; lane < std::min<std::size_t>(4, width - f); ++lane) put(f + lane, four[lane]);
    }
  };
  std::vector<double> mean(at(options.classes) * width);
  for (int c = 0; c < options.classes; ++c)
    fill(kMean, static_cast<std::uint32_t>(c), [&](std::size_t f, double z) { mean[at(c) * width + f] = z; });
  in_chunks(static_cast<std::int64_t>(out.size() / width), threads, [&](std::int64_t row) {
    const std::int64_t node = first + row;
    const double* mu = mean.data() + at(classes[at(node)]) * width;
    fill(kFeature, static_cast<std::uint32_t>(node),
         [&](std::size_t f, double z) { out[at(row) * width + f] = static_cast<float>(z + options.feature_scale * mu[f]); });
  });
}

}  // namespace tenfold::gnnbench
