// Edge softmax: by hand, at scores that would overflow, against the definition, its gradients by differences.
#include "gnnbench/edge_softmax.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "gnnbench/random_graph.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class Real>
struct Case {
  Csr graph = random_csr(7, 9, 0.4, 11);
  bool add_self = true;
  int heads = 3;
  std::vector<Real> targets = random_numbers<Real>(7 * 3, 12), sources = random_numbers<Real>(9 * 3, 13);
  std::vector<Real> alpha = std::vector<Real>(at(graph.view().edges() * 3)), self_alpha = std::vector<Real>(7 * 3);

  AttentionOf<Real> attention() const {
    return {.graph = graph.view(), .add_self = add_self, .heads = heads, .target_scores = targets, .source_scores = sources};
  }
  void run() {
    ThreadPool pool(1);
    edge_softmax<Real>(attention(), alpha, self_alpha, pool);
  }
};

// The definition, an edge at a time, in double precision and without the maximum.
template <class Real>
double slow_alpha(const Case<Real>& c, std::int64_t v, std::int64_t source, int k) {
  const auto term = [&](std::int64_t u) {
    const double s = static_cast<double>(c.targets[at(v * 3 + k)]) + static_cast<double>(c.sources[at(u * 3 + k)]);
    return std::exp(s > 0 ? s : 0.2 * s);
  };
  double total = c.add_self ? term(v) : 0;
  for (const NodeId u : c.graph.view().row(v)) total += term(u);
  return term(source) / total;
}

}  // namespace

TEST_CASE("attention to two neighbours, by hand") {
  ThreadPool pool(1);
  // Scores log 3 and log 1 give 3/4 and 1/4; -5 log 2 is -log 2 after LeakyReLU, so that 1 and 1/2 give 2/3 and 1/3.
  const Csr graph{{0, 2}, {0, 1}};
  const std::vector<double> none = {0}, first = {std::log(3.0), 0}, second = {0, -5 * std::log(2.0)};
  std::vector<double> alpha(2), self;
  edge_softmax<double>({.graph = graph.view(), .target_scores = none, .source_scores = first}, alpha, self, pool);
  CHECK(alpha[0] == doctest::Approx(0.75).epsilon(1e-14));
  CHECK(alpha[1] == doctest::Approx(0.25).epsilon(1e-14));
  edge_softmax<double>({.graph = graph.view(), .target_scores = none, .source_scores = second}, alpha, self, pool);
  CHECK(alpha[0] == doctest::Approx(2.0 / 3).epsilon(1e-14));
  CHECK(alpha[1] == doctest::Approx(1.0 / 3).epsilon(1e-14));
}

TEST_CASE("large scores overflow nothing, NaN is not hidden") {
  ThreadPool pool(1);
  const Csr graph{{0, 3, 3}, {0, 1, 2}};
  const std::vector<float> none = {0, 0}, large = {3e37f, 3e37f, -3e38f}, apart = {-3e4f, 500.f, 499.f};
  std::vector<float> alpha(3), self(2);
  edge_softmax<float>({.graph = graph.view(), .target_scores = none, .source_scores = large}, alpha, self, pool);
  CHECK(alpha == std::vector<float>{0.5f, 0.5f, 0.f});
  edge_softmax<float>({.graph = graph.view(), .target_scores = none, .source_scores = apart}, alpha, self, pool);
  CHECK(alpha[0] == 0.f);
  CHECK(alpha[1] / alpha[2] == doctest::Approx(std::exp(1.0)).epsilon(1e-6));
  const std::vector<float> broken = {1.f, std::nanf(""), 2.f};
  edge_softmax<float>({.graph = graph.view(), .target_scores = none, .source_scores = broken}, alpha, self, pool);
  CHECK(std::isnan(alpha[0] + alpha[1] + alpha[2]));
}

TEST_CASE_TEMPLATE("edge softmax is its definition, with and without the own edge", Real, float, double) {
  const double tolerance = sizeof(Real) == 4 ? 1e-6 : 1e-14;
  Case<Real> c;
  for (const bool add_self : {false, true}) {
    c.add_self = add_self;
    c.run();
    double worst = 0;
    for (std::int64_t v = 0; v < 7; ++v) {
      for (int k = 0; k < 3; ++k) {
        for (EdgeIndex e = c.graph.indptr[at(v)]; e < c.graph.indptr[at(v) + 1]; ++e)
          worst = std::max(worst,
                           std::abs(static_cast<double>(c.alpha[at(e * 3 + k)]) - slow_alpha(c, v, c.graph.indices[at(e)], k)));
        if (add_self)
          worst = std::max(worst, std::abs(static_cast<double>(c.self_alpha[at(v * 3 + k)]) - slow_alpha(c, v, v, k)));
      }
    }
    CHECK(worst < tolerance);
  }
}

TEST_CASE("gradients of the whole attention sum are those of differences") {
  // f = sum over v, k, j of c_vkj sum_u alpha_uvk z_ukj, by targets, sources and z; heads of 2 columns.
  ThreadPool pool(1);
  Case<double> c;
  constexpr std::int64_t kWidth = 6;
  auto z = random_numbers<double>(9 * kWidth, 14);
  const auto coefficient = random_numbers<double>(7 * kWidth, 15);
  for (const bool add_self : {false, true}) {
    c.add_self = add_self;
    const auto value = [&] {
      c.run();
      std::vector<double> out(7 * kWidth);
      spmm({.graph = c.graph.view(),
            .weights = c.alpha,
            .self_weights = c.self_alpha,
            .x = z,
            .width = kWidth,
            .heads = 3,
            .add_self = add_self},
           Reduce::sum, out, pool);
      double f = 0;
      for (std::size_t i = 0; i < out.size(); ++i) f += out[i] * coefficient[i];
      return f;
    };
    value();
    const TransposedGraph turned = transpose_with_edges(c.graph.view(), 9);
    std::vector<double> gradient(c.alpha.size()), own(c.self_alpha.size()), target(7 * 3), source(9 * 3), dz(9 * kWidth);
    edge_dots<double>(c.graph.view(), add_self, 3, coefficient, z, kWidth, gradient, own, pool);
    edge_softmax_backward<double>(c.attention(), c.alpha, c.self_alpha, gradient, own, target, pool);
    const std::span<const double> self_gradients = add_self ? std::span<const double>(own) : std::span<const double>();
    source_sums<double>(turned, 3, gradient, self_gradients, source, pool);
    std::vector<double> dout = coefficient;
    spmm({.graph = turned.csr.view(), .weights = c.alpha, .edge_of = turned.edge_of, .x = dout, .width = kWidth, .heads = 3},
         Reduce::sum, dz, pool);
    if (add_self)
      for (std::int64_t v = 0; v < 7; ++v)
        for (std::int64_t j = 0; j < kWidth; ++j)
          dz[at(v * kWidth + j)] += c.self_alpha[at(v * 3 + j / 2)] * coefficient[at(v * kWidth + j)];

    const auto check = [&](std::vector<double>& input, const std::vector<double>& analytic) {
      double worst = 0;
      for (std::size_t i = 0; i < input.size(); ++i) {
        constexpr double kStep = 1e-5;
        const double here = input[i];
        input[i] = here + kStep;
        const double above = value();
        input[i] = here - kStep;
        const double below = value();
        input[i] = here;
        worst = std::max(worst, std::abs((above - below) / (2 * kStep) - analytic[i]));
      }
      CHECK(worst < 1e-8);
    };
    check(c.targets, target);
    check(c.sources, source);
    check(z, dz);
  }
}

TEST_CASE("edge dots by eight lanes, whatever the width") {
  ThreadPool pool(1);
  const Csr graph{{0, 1}, {1}};
  for (const std::int64_t columns : {1, 7, 8, 9, 16, 21}) {
    std::vector<float> a, b;
    double expected[2] = {};
    for (std::int64_t j = 0; j < 2 * columns; ++j) {
      a.push_back(static_cast<float>(j + 1));
      expected[j / columns] += static_cast<double>((j + 1) * (2 * j + 1));
    }
    b.assign(at(2 * columns), 0.f);
    for (std::int64_t j = 0; j < 2 * columns; ++j) b.push_back(static_cast<float>(2 * j + 1));
    std::vector<float> dots(2), self;
    edge_dots<float>(graph.view(), false, 2, a, b, 2 * columns, dots, self, pool);
    CHECK(dots[0] == expected[0]);
    CHECK(dots[1] == expected[1]);
  }
}

TEST_CASE("attention gives the same bits for any number of threads") {
  const Csr graph = random_csr(900, 900, 0.03, 21);
  const auto targets = random_numbers<float>(900 * 4, 22), sources = random_numbers<float>(900 * 4, 23);
  const auto edges = at(graph.view().edges());
  const TransposedGraph turned = transpose_with_edges(graph.view(), 900);
  std::vector<float> first;
  for (int threads = 1; threads <= 4; ++threads) {
    ThreadPool pool(threads);
    const Attention attention{
        .graph = graph.view(), .add_self = true, .heads = 4, .target_scores = targets, .source_scores = sources};
    std::vector<float> alpha(edges * 4), own(900 * 4), gradient = random_numbers<float>(edges * 4, 24),
                                                       self_gradient(900 * 4, 1.f), target(900 * 4), source(900 * 4);
    edge_softmax<float>(attention, alpha, own, pool);
    edge_softmax_backward<float>(attention, alpha, own, gradient, self_gradient, target, pool);
    source_sums<float>(turned, 4, gradient, self_gradient, source, pool);
    std::vector<float> all = alpha;
    for (const auto* part : {&own, &gradient, &target, &source}) all.insert(all.end(), part->begin(), part->end());
    if (threads == 1) first = all;
    CHECK(all == first);
  }
}
