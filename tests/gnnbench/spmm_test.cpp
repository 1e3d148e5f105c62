// SpMM: SciPy's products, the obvious loop to the bit, the same bits in all instruction sets and for all numbers of threads,
// backward through the transpose; maximum with its argument; gather.
#include "gnnbench/spmm.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "gnnbench/random_graph.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr InstructionSet kSets[] = {InstructionSet::base, InstructionSet::avx2, InstructionSet::avx512};

// The definition, element by element: in neighbour order from 0, product and sum rounded apart, the own entry where it sorts.
template <class Real>
std::vector<Real> slow_spmm(const SpmmInputOf<Real>& in, Reduce reduce, std::vector<Real> out, bool accumulate) {
  const std::int64_t columns = in.width / in.heads;
  for (std::int64_t v = 0; v < in.graph.rows(); ++v) {
    for (std::int64_t j = 0; j < in.width; ++j) {
      const std::int64_t head = j / columns;
      Real sum = 0;
      bool self = in.add_self;
      const auto own = [&] {
        Real w = 1;
        if (!in.column_weights.empty()) w = in.column_weights[at(v)];
        if (!in.self_weights.empty()) w = in.self_weights[at(v * in.heads + head)];
        const Real product = w * in.x[at(v * in.width + j)];
        sum = sum + product;
        self = false;
      };
      for (EdgeIndex e = in.graph.indptr[at(v)]; e < in.graph.indptr[at(v) + 1]; ++e) {
        const NodeId u = in.graph.indices[at(e)];
        if (self && u > v) own();
        Real w = 1;
        if (!in.weights.empty()) w = in.weights[at((in.edge_of.empty() ? e : in.edge_of[at(e)]) * in.heads + head)];
        if (!in.column_weights.empty()) w = in.column_weights[at(u)];
        const Real product = w * in.x[at(u * in.width + j)];
        sum = sum + product;
      }
      if (self) own();
      const std::int64_t entries = in.graph.degree(v) + in.add_self;
      if (reduce == Reduce::mean && entries > 0) sum = sum / (in.divide.empty() ? static_cast<Real>(entries) : in.divide[at(v)]);
      Real& to = out[at(v * in.width + j)];
      to = accumulate ? to + sum : sum;
    }
  }
  return out;
}

template <class Real>
bool same_bits(const std::vector<Real>& a, const std::vector<Real>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Real)) == 0;
}

double largest_error(const auto& a, const auto& b) {
  double worst = a.size() == b.size() ? 0 : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return worst;
}

// Column j of the result is column j mod `have`.
template <class Real>
std::vector<Real> widen(const std::vector<double>& x, std::int64_t have, std::int64_t width) {
  std::vector<Real> out;
  for (std::int64_t row = 0; row < static_cast<std::int64_t>(x.size()) / have; ++row)
    for (std::int64_t j = 0; j < width; ++j) out.push_back(static_cast<Real>(x[at(row * have + j % have)]));
  return out;
}

template <class Real>
void check_scipy_case(const nlohmann::json& c, std::int64_t have, std::int64_t width, double tolerance) {
  ThreadPool pool(1);
  const Csr graph{c["indptr"], c["indices"]};
  const auto numbers = [&](const char* name) { return widen<Real>(c[name].template get<std::vector<double>>(), have, width); };
  std::vector<Real> weights;
  for (const double w : c["weights"]) weights.push_back(static_cast<Real>(w));
  const auto x = numbers("x"), g = numbers("g");
  const std::int64_t columns = c["columns"];
  std::vector<Real> forward(at(graph.view().rows() * width), Real(9)), backward(at(columns * width), Real(9));
  SpmmInputOf<Real> in{.graph = graph.view(), .weights = weights, .x = x, .width = width};
  spmm(in, Reduce::sum, forward, pool);
  CHECK(largest_error(forward, numbers("forward")) < tolerance);

  const TransposedGraph turned = transpose_with_edges(graph.view(), columns);
  in.graph = turned.csr.view();
  in.edge_of = turned.edge_of;
  in.x = g;
  spmm(in, Reduce::sum, backward, pool);
  CHECK(largest_error(backward, numbers("backward")) < tolerance);
}

}  // namespace

TEST_CASE("spmm on a ring sums the two neighbours") {
  ThreadPool pool(1);
  const Csr ring{{0, 2, 4, 6, 8, 10}, {1, 4, 0, 2, 1, 3, 2, 4, 0, 3}};
  const std::vector<float> x = {1, 2, 4, 8, 16};
  std::vector<float> out(5);
  spmm({.graph = ring.view(), .x = x, .width = 1}, Reduce::sum, out, pool);
  CHECK(out == std::vector<float>{18, 5, 10, 20, 9});
  spmm({.graph = ring.view(), .x = x, .width = 1, .add_self = true}, Reduce::mean, out, pool);
  CHECK(out == std::vector<float>{19.f / 3, 7.f / 3, 14.f / 3, 28.f / 3, 25.f / 3});
}

TEST_CASE("gcn and sage mean on the path 0-1-2") {
  ThreadPool pool(1);
  const Csr path{{0, 1, 3, 4}, {1, 0, 2, 1}};
  const std::vector<float> x = {1, 2, 4};
  std::vector<float> out(3);
  // A^ = D^-1/2 (A + I) D^-1/2 with degrees 2, 3, 2, from column weights and a division.
  const std::vector<float> root = {std::sqrt(2.f), std::sqrt(3.f), std::sqrt(2.f)},
                           inverse = {1 / root[0], 1 / root[1], 1 / root[2]};
  spmm({.graph = path.view(), .column_weights = inverse, .divide = root, .x = x, .width = 1, .add_self = true}, Reduce::mean, out,
       pool);
  CHECK(largest_error(out, std::vector<double>{1.3165, 2.7079, 2.8165}) < 5e-5);
  spmm({.graph = path.view(), .x = x, .width = 1}, Reduce::mean, out, pool);
  CHECK(out == std::vector<float>{2, 2.5, 2});
}

TEST_CASE("spmm is SciPy's csr_matrix @ X, and its transpose A.T @ G") {
  const auto golden = nlohmann::json::parse(std::ifstream(std::string(TENFOLD_SOURCE_DIR) + "/tests/parity/gnnbench/spmm.json"));
  for (const auto& c : golden["cases"]) {
    for (const std::int64_t width : {1, 3, 16, 64, 602}) {
      CAPTURE(c["name"].get<std::string>());
      CAPTURE(width);
      check_scipy_case<float>(c, golden["columns"], width, 1e-5);
      check_scipy_case<double>(c, golden["columns"], width, 1e-12);
    }
  }
}

TEST_CASE("spmm is the obvious loop to the bit, in every instruction set, for every width and kind of weight") {
  ThreadPool pool(1);
  constexpr std::int64_t kRows = 23, kSources = 31;
  const Csr graph = random_csr(kRows, kSources, 0.3, 1);
  const auto edges = static_cast<std::size_t>(graph.view().edges());
  std::vector<EdgeIndex> reversed;
  for (std::size_t e = edges; e-- > 0;) reversed.push_back(static_cast<EdgeIndex>(e));
  const auto weights = random_numbers<float>(2 * edges, 2), columns = random_numbers<float>(kSources, 3),
             own = random_numbers<float>(2 * kRows, 4), divide = random_numbers<float>(kRows, 5);
  for (const std::int64_t width : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 33, 64, 66, 100, 128, 130, 257, 260, 272, 530, 602}) {
    const auto x = random_numbers<float>(at(kSources * width), 6), before = random_numbers<float>(at(kRows * width), 7);
    for (int variant = 0; variant < 64; ++variant) {
      SpmmInput in{.graph = graph.view(), .x = x, .width = width, .add_self = (variant & 1) != 0};
      const Reduce reduce = variant & 2 ? Reduce::mean : Reduce::sum;
      const bool accumulate = variant & 4;
      if (variant & 2 && variant & 8) in.divide = divide;
      if (width % 2 == 0 && variant & 8) in.heads = 2;
      switch (variant >> 4) {
        case 1: in.weights = weights; break;
        case 2:
          in.weights = weights;
          in.edge_of = reversed;
          break;
        case 3: in.column_weights = columns; break;
      }
      if (variant & 8) in.self_weights = own;
      const auto expected = slow_spmm(in, reduce, before, accumulate);
      for (const InstructionSet set : kSets) {
        if (!supported(set)) continue;
        auto out = before;
        spmm(in, reduce, out, pool, accumulate, set);
        CAPTURE(width);
        CAPTURE(variant);
        CAPTURE(name_of(set));
        REQUIRE(same_bits(out, expected));
      }
    }
  }
}

TEST_CASE("spmm in double precision is the obvious loop to the bit") {
  ThreadPool pool(1);
  const Csr graph = random_csr(9, 12, 0.4, 1);
  const auto columns = random_numbers<double>(12, 3);
  for (const std::int64_t width : {1, 2, 3, 16, 17, 33}) {
    const auto x = random_numbers<double>(at(12 * width), 6);
    const SpmmInputOf<double> in{.graph = graph.view(), .column_weights = columns, .x = x, .width = width, .add_self = true};
    std::vector<double> out(at(9 * width));
    spmm(in, Reduce::mean, out, pool);
    CHECK(same_bits(out, slow_spmm(in, Reduce::mean, out, false)));
  }
}

TEST_CASE("any number of threads gives the same bits") {
  const Csr graph = random_csr(700, 700, 0.05, 3);
  constexpr std::int64_t kWidth = 48;
  const auto x = random_numbers<float>(700 * kWidth, 4), weights = random_numbers<float>(at(graph.view().edges()), 5);
  const TransposedGraph turned = transpose_with_edges(graph.view(), 700);
  std::vector<float> product, most, pulled, gathered;
  std::vector<std::int32_t> argmax;
  for (int threads = 1; threads <= 4; ++threads) {
    ThreadPool pool(threads);
    std::vector<float> a(700 * kWidth), b(700 * kWidth), c(700 * kWidth), d(2100 * kWidth);
    std::vector<std::int32_t> place(700 * kWidth);
    spmm({.graph = graph.view(), .weights = weights, .x = x, .width = kWidth, .add_self = true}, Reduce::mean, a, pool);
    spmm_max<float>(graph.view(), false, x, kWidth, b, place, pool);
    spmm_max_backward<float>(graph.view(), turned, false, place, x, kWidth, c, pool);
    std::vector<NodeId> ids;
    for (int i = 0; i < 2100; ++i) ids.push_back(i * 37 % 700);
    gather_rows<float>(x, kWidth, ids, d, pool);
    if (threads == 1) {
      product = a, most = b, pulled = c, gathered = d, argmax = place;
      for (std::size_t i = 0; i < ids.size(); ++i) REQUIRE(d[i * kWidth + 5] == x[at(ids[i]) * kWidth + 5]);
    }
    CHECK(same_bits(a, product));
    CHECK(same_bits(b, most));
    CHECK(same_bits(c, pulled));
    CHECK(same_bits(d, gathered));
    CHECK(place == argmax);
  }
}

TEST_CASE("the transpose keeps each edge's number") {
  const Csr graph = random_csr(9, 7, 0.4, 8);
  const TransposedGraph turned = transpose_with_edges(graph.view(), 7);
  CHECK(turned.csr.indices == transpose(graph.view(), 7).indices);
  CHECK(turned.csr.indptr == transpose(graph.view(), 7).indptr);
  for (NodeId u = 0; u < 7; ++u) {
    for (EdgeIndex e = turned.csr.indptr[at(u)]; e < turned.csr.indptr[at(u) + 1]; ++e) {
      const EdgeIndex forward = turned.edge_of[at(e)];
      const NodeId v = turned.csr.indices[at(e)];
      CHECK(graph.indices[at(forward)] == u);
      CHECK((graph.indptr[at(v)] <= forward && forward < graph.indptr[at(v) + 1]));
    }
  }
}

TEST_CASE("maximum of neighbours: its argument, ties to the first, empty rows, and where the gradient goes") {
  ThreadPool pool(1);
  //               row 0: {1, 2}, row 1: {}, row 2: {0, 1, 3}
  const Csr graph{{0, 2, 2, 5}, {1, 2, 0, 1, 3}};
  const std::vector<float> x = {5, -1, /**/ 3, -2, /**/ 3, -1, /**/ 4, -9};
  std::vector<float> out(6);
  std::vector<std::int32_t> argmax(6);
  spmm_max<float>(graph.view(), false, x, 2, out, argmax, pool);
  CHECK(out == std::vector<float>{3, -1, /**/ 0, 0, /**/ 5, -1});
  CHECK(argmax == std::vector<std::int32_t>{0, 1, /**/ kArgmaxNone, kArgmaxNone, /**/ 0, 0});
  const TransposedGraph turned = transpose_with_edges(graph.view(), 4);
  const std::vector<float> g = {1, 2, 4, 8, 16, 32};
  std::vector<float> dx(8, 99.f);
  spmm_max_backward<float>(graph.view(), turned, false, argmax, g, 2, dx, pool);
  CHECK(dx == std::vector<float>{16, 32, /**/ 1, 0, /**/ 0, 2, /**/ 0, 0});

  spmm_max<float>(graph.view(), true, x, 2, out, argmax, pool);
  CHECK(out == std::vector<float>{5, -1, /**/ 3, -2, /**/ 5, -1});
  CHECK(argmax == std::vector<std::int32_t>{kArgmaxSelf, kArgmaxSelf, /**/ kArgmaxSelf, kArgmaxSelf, /**/ 0, kArgmaxSelf});
  spmm_max_backward<float>(graph.view(), turned, true, argmax, g, 2, dx, pool);
  CHECK(dx == std::vector<float>{17, 2, /**/ 4, 8, /**/ 0, 32, /**/ 0, 0});
}
