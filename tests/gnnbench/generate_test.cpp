#include "gnnbench/generate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

GenerateOptions of_kind(GraphKind kind, std::int64_t nodes) {
  GenerateOptions options;
  options.kind = kind;
  options.nodes = nodes;
  return options;
}

std::vector<std::vector<NodeId>> rows_of(GraphKind kind, std::int64_t nodes) {
  const BuiltGraph built = generate_graph(of_kind(kind, nodes), {}, 1);
  std::vector<std::vector<NodeId>> rows;
  for (std::int64_t v = 0; v < nodes; ++v) {
    const auto row = built.csr.view().row(v);
    rows.emplace_back(row.begin(), row.end());
  }
  return rows;
}
using Rows = std::vector<std::vector<NodeId>>;

// Share of the pairs for which `holds`.
template <class Holds>
double share(std::size_t n, const Holds& holds) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; ++i) count += holds(i);
  return static_cast<double>(count) / static_cast<double>(n);
}

// |share - p| in standard errors of n independent draws.
double deviations(double observed, double p, double n) { return std::abs(observed - p) / std::sqrt(p * (1 - p) / n); }

}  // namespace

TEST_CASE("shapes are what their names say") {
  CHECK(rows_of(GraphKind::ring, 5) == Rows{{1, 4}, {0, 2}, {1, 3}, {2, 4}, {0, 3}});
  CHECK(rows_of(GraphKind::path, 4) == Rows{{1}, {0, 2}, {1, 3}, {2}});
  CHECK(rows_of(GraphKind::star, 4) == Rows{{1, 2, 3}, {0}, {0}, {0}});
  // 0 1 2
  // 3 4 5
  // 6
  CHECK(rows_of(GraphKind::grid, 7) == Rows{{1, 3}, {0, 2, 4}, {1, 5}, {0, 4, 6}, {1, 3, 5}, {2, 4}, {3}});
  for (const GraphKind kind : {GraphKind::ring, GraphKind::path, GraphKind::star, GraphKind::grid})
    CHECK(rows_of(kind, 1) == Rows{{}});
  CHECK(rows_of(GraphKind::ring, 2) == Rows{{1}, {0}});
}

TEST_CASE("the number of threads changes no byte; the seed changes all") {
  for (const GraphKind kind : {GraphKind::dcsbm, GraphKind::rmat}) {
    const GenerateOptions options = of_kind(kind, 40'000);
    const std::string one = generate_dataset(options, 1).digest;
    CHECK(generate_dataset(options, 3).digest == one);
    GenerateOptions other = options;
    other.seed = 2;
    CHECK(generate_dataset(other, 1).digest != one);
    other = options;
    other.split_seed = 2;
    CHECK(generate_dataset(other, 1).digest != one);
  }
}

TEST_CASE("feature rows do not depend on the block they are made in") {
  GenerateOptions options = of_kind(GraphKind::path, 100);
  options.features = 7;
  const GeneratedNodes nodes = generate_nodes(options, 1);
  std::vector<float> whole(700), piece(70);
  generate_features(options, nodes.classes, 0, whole, 2);
  generate_features(options, nodes.classes, 30, piece, 1);
  CHECK(std::equal(piece.begin(), piece.end(), whole.begin() + 210));
}

TEST_CASE("dcsbm: half of the edges seek their class, and of the others one in C finds it by chance") {
  GenerateOptions options = of_kind(GraphKind::dcsbm, 20'000);
  options.classes = 5;
  const GeneratedNodes nodes = generate_nodes(options, 2);
  const Csr graph = generate_graph(options, nodes.classes, 2).csr;
  double inside = 0;
  for (std::int64_t v = 0; v < options.nodes; ++v)
    for (const NodeId u : graph.view().row(v))
      inside += nodes.classes[static_cast<std::size_t>(u)] == nodes.classes[static_cast<std::size_t>(v)];
  const double edges = static_cast<double>(graph.indices.size());
  // Repetitions are dropped, and hubs of one class have more of them: within a point, where 0.6 in place of 0.5 is 8 points off.
  CHECK(inside / edges == doctest::Approx(0.5 + 0.5 / 5).epsilon(0.02));
  CHECK(edges / 20'000 > 13);
  CHECK(edges / 20'000 < 14);
}

TEST_CASE("dcsbm: degrees follow 1 + Lomax: half of the nodes have less than the median of the law") {
  GenerateOptions options = of_kind(GraphKind::dcsbm, 30'000);
  options.degree = 60;
  options.class_probability = 0;
  const GeneratedNodes nodes = generate_nodes(options, 2);
  const Csr graph = generate_graph(options, nodes.classes, 2).csr;
  std::vector<double> degree;
  for (std::int64_t v = 0; v < options.nodes; ++v) degree.push_back(static_cast<double>(graph.view().degree(v)));
  std::sort(degree.begin(), degree.end());
  // theta has mean a / (a - 1) and quantile (1 - q)^(-1/a); expected degree = 60 theta / mean.
  const double a = options.pareto, mean = a / (a - 1);
  for (const double q : {0.25, 0.5, 0.75, 0.9}) {
    const double expected = 60 * std::pow(1 - q, -1 / a) / mean;
    CHECK(degree[static_cast<std::size_t>(q * 30'000)] == doctest::Approx(expected).epsilon(0.05));
  }
}

TEST_CASE("dcsbm: where an edge ends does not depend on how its class was chosen") {
  GenerateOptions options = of_kind(GraphKind::dcsbm, 10'000);
  options.pareto = 1'000;  // all nodes alike
  options.classes = 4;
  const GeneratedNodes nodes = generate_nodes(options, 2);
  const Csr graph = generate_graph(options, nodes.classes, 2).csr;
  double inside = 0, lower = 0;
  for (std::int64_t v = 0; v < options.nodes; ++v)
    for (const NodeId u : graph.view().row(v))
      if (nodes.classes[static_cast<std::size_t>(u)] == nodes.classes[static_cast<std::size_t>(v)]) {
        ++inside;
        lower += u < 5'000;
      }
  CHECK(lower / inside == doctest::Approx(0.5).epsilon(0.03));
}

TEST_CASE("labels: uniform classes, of which a tenth is drawn again, and one in C of those comes out as it was") {
  GenerateOptions options = of_kind(GraphKind::path, 50'000);
  options.classes = 4;
  const GeneratedNodes nodes = generate_nodes(options, 2);
  for (int c = 0; c < 4; ++c)
    CHECK(deviations(share(50'000, [&](std::size_t v) { return nodes.classes[v] == c; }), 0.25, 50'000) < 4.5);
  CHECK(deviations(share(50'000, [&](std::size_t v) { return nodes.classes[v] != nodes.labels[v]; }), 0.1 * 0.75, 50'000) < 4.5);
}

TEST_CASE("features: unit normals around 0.25 mu of the class before noise, mu standard normal") {
  GenerateOptions options = of_kind(GraphKind::path, 40'000);
  options.classes = 2;
  options.features = 400;
  options.nodes = 4'000;
  const GeneratedNodes nodes = generate_nodes(options, 2);
  std::vector<float> x(4'000 * 400);
  generate_features(options, nodes.classes, 0, x, 2);
  std::vector<double> sum(800), count(2);
  double square = 0;
  for (std::size_t v = 0; v < 4'000; ++v) {
    const auto c = static_cast<std::size_t>(nodes.classes[v]);
    ++count[c];
    for (std::size_t f = 0; f < 400; ++f) sum[c * 400 + f] += x[v * 400 + f];
  }
  double between = 0;
  for (std::size_t i = 0; i < 800; ++i) between += std::pow(sum[i] / count[i / 400], 2) / 800;
  for (std::size_t v = 0; v < 4'000; ++v)
    for (std::size_t f = 0; f < 400; ++f) {
      const auto c = static_cast<std::size_t>(nodes.classes[v]);
      square += std::pow(x[v * 400 + f] - sum[c * 400 + f] / count[c], 2) / (4'000 * 400.0);
    }
  // Mean squares of 800 class means: 0.0625 + 1/2000, relative standard error sqrt(2 / 800).
  CHECK(between == doctest::Approx(0.0625 + 1 / 2000.0).epsilon(4.5 * std::sqrt(2 / 800.0)));
  CHECK(square == doctest::Approx(1 - 2 / 4000.0).epsilon(4.5 * std::sqrt(2 / 1.6e6)));
}

TEST_CASE("rmat: quadrants have Graph500's shares, seen in the hubs; ids are in no order") {
  GenerateOptions options = of_kind(GraphKind::rmat, 1 << 12);
  options.degree = 16;
  const Csr graph = generate_graph(options, {}, 2).csr;
  std::vector<double> degree;
  for (std::int64_t v = 0; v < options.nodes; ++v) degree.push_back(static_cast<double>(graph.view().degree(v)));
  const double total = std::accumulate(degree.begin(), degree.end(), 0.0);
  // Before the order is shuffled, rows of the upper half get .57 + .19 of all ends: here the halves are alike.
  const double upper = std::accumulate(degree.begin(), degree.begin() + 2048, 0.0);
  CHECK(upper / total == doctest::Approx(0.5).epsilon(0.1));
  // The node that all levels favour expects 2 x 32768 x .76^12 = 2434 ends before repetitions are dropped; a uniform graph's
  // greatest degree is below 50.
  std::sort(degree.begin(), degree.end(), std::greater<>());
  CHECK(degree[0] > 700);
  CHECK(degree[0] < 2434);
  // As many ends lie with the 2048 nodes of highest degree as .76 says, and more, as ranks are better than ids.
  CHECK(std::accumulate(degree.begin(), degree.begin() + 2048, 0.0) / total > 0.76);
}

TEST_CASE("rmat: numbers of nodes between powers of two are reached and not exceeded") {
  GenerateOptions options = of_kind(GraphKind::rmat, 5'000);
  const Csr graph = generate_graph(options, {}, 2).csr;
  CHECK(graph.indptr.size() == 5'001);
  CHECK(*std::max_element(graph.indices.begin(), graph.indices.end()) > 4'900);
  CHECK(graph.indices.size() > 5'000 * 9);
}

TEST_CASE("a generated dataset is complete: split of the labels, features of the width asked for, no reader needed") {
  GenerateOptions options = of_kind(GraphKind::dcsbm, 1'000);
  options.features = 12;
  const Dataset data = generate_dataset(options, 2);
  CHECK(data.nodes() == 1'000);
  CHECK(data.features.width == 12);
  CHECK(data.features.dense.size() == 12'000);
  CHECK(data.part(Part::train).size() == 500);
  CHECK(data.part(Part::val).size() == 150);
  CHECK(data.part(Part::test).size() == 350);
  CHECK(is_symmetric(data.graph));
  CHECK(data.format == "generated");
  // Features and edges follow the classes before the noise, not the labels.
  const GeneratedNodes nodes = generate_nodes(options, 1);
  CHECK(std::equal(nodes.labels.begin(), nodes.labels.end(), data.labels.begin()));
  CHECK(nodes.labels != nodes.classes);
  std::vector<float> x(12'000);
  generate_features(options, nodes.classes, 0, x, 1);
  CHECK(std::equal(x.begin(), x.end(), data.features.dense.begin()));
  const Csr graph = generate_graph(options, nodes.classes, 1).csr;
  CHECK(std::equal(graph.indices.begin(), graph.indices.end(), data.graph.indices.begin(), data.graph.indices.end()));
  options.features = 0;
  CHECK(generate_dataset(options, 1).features.width == 0);
}

TEST_CASE("sizes that cannot be are refused") {
  GenerateOptions options = of_kind(GraphKind::dcsbm, 0);
  CHECK_THROWS_AS(check(options), Error);
  options.nodes = std::int64_t{1} << 31;
  CHECK_THROWS_AS(check(options), Error);
  options.nodes = 1'000'000;
  options.degree = 1e8;
  CHECK_THROWS_AS(check(options), Error);
}
