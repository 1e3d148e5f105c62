#include <cmath>

#include "base/philox.h"
#include "hmc-marg/library_values.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::library_values;

namespace {

constexpr std::uint64_t kSeed = 20240607;
constexpr int kDraws = 20000;

struct Source {
  tenfold::PhiloxStream stream{kSeed, "library_random_test"};
  CallContext context;
  Source() { context.random = &stream; }
  Value draw(std::string_view family, const std::vector<Value>& args) {
    std::vector<const Value*> pointers;
    for (const Value& arg : args) pointers.push_back(&arg);
    return apply_random(context, family, pointers);
  }
};

struct Moments {
  std::vector<double> mean, second;  // E x_i; E x_i x_j, column by column
};

Moments moments_of(Source& source, std::string_view family, const std::vector<Value>& args) {
  Moments m;
  for (int s = 0; s < kDraws; ++s) {
    const Value x = source.draw(family, args);
    const std::size_t n = x.size();
    m.mean.resize(n);
    m.second.resize(n * n);
    for (std::size_t i = 0; i < n; ++i) {
      m.mean[i] += x.number[i] / kDraws;
      for (std::size_t j = 0; j < n; ++j) m.second[j * n + i] += x.number[i] * x.number[j] / kDraws;
    }
  }
  return m;
}

}  // namespace

TEST_CASE("draws are vectorised over containers, scalars stay scalars") {
  Source source;
  CHECK(source.draw("normal", {real(0), real(1)}).type == Type{Base::real, 0});
  const Value draws = source.draw("normal", {vector({-100, 100}), real(1)});
  CHECK(draws.type == Type{Base::real, 1});
  CHECK(draws.number[0] < -90);
  CHECK(draws.number[1] > 90);
  CHECK(source.draw("poisson", {array({3, 4, 5})}).type == Type{Base::integer, 1});
  CHECK(source.draw("binomial", {integers({5, 6}), real(1)}).number == std::vector<double>{5, 6});
  CHECK(source.draw("std_normal", {}).type == Type{Base::real, 0});
}

TEST_CASE("inadmissible parameters and calls without a stream are errors") {
  Source source;
  CHECK(message_of([&] { source.draw("normal", {real(0), real(-1)}); }).find("normal_rng: Scale parameter is -1") !=
        std::string::npos);
  CHECK(message_of([&] { source.draw("bernoulli", {real(1.5)}); }).find("bernoulli_rng") != std::string::npos);
  CHECK(message_of([&] { source.draw("categorical", {vector({0.5, 0.6})}); }).find("must sum to 1") != std::string::npos);
  CHECK(message_of([&] { source.draw("normal", {vector({1, 2}), vector({1})}); }).find("sizes 2 and 1") != std::string::npos);
  Source none;
  none.context.random = nullptr;
  CHECK(message_of([&] { none.draw("normal", {real(0), real(1)}); }).find("generated quantities") != std::string::npos);
}

// Means of 20,000 draws: the tolerance is five standard errors, the seed is fixed.
TEST_CASE("outcomes have their probabilities") {
  MESSAGE("seed ", kSeed);
  Source source;
  for (const char* family : {"categorical", "categorical_logit"}) {
    std::vector<double> count(3, 0.0);
    const bool logit = std::string(family) == "categorical_logit";
    const Value theta = logit ? vector({std::log(0.2), std::log(0.5), std::log(0.3)}) : vector({0.2, 0.5, 0.3});
    for (int s = 0; s < kDraws; ++s) count.at(static_cast<std::size_t>(source.draw(family, {theta}).number[0]) - 1) += 1;
    CHECK(std::fabs(count[0] / kDraws - 0.2) < 5 * std::sqrt(0.16 / kDraws));
    CHECK(std::fabs(count[1] / kDraws - 0.5) < 5 * std::sqrt(0.25 / kDraws));
  }
  CHECK(source.draw("categorical", {vector({0, 1, 0})}).number[0] == 2);
}

TEST_CASE("multinomial and dirichlet draws: sums and moments") {
  Source source;
  for (int s = 0; s < 100; ++s) {
    const Value counts = source.draw("multinomial", {vector({0.2, 0.5, 0, 0.3}), integer(7)});
    CHECK(counts.number[0] + counts.number[1] + counts.number[2] + counts.number[3] == 7);
    CHECK(counts.number[2] == 0);
  }
  const Moments counts = moments_of(source, "multinomial", {vector({0.2, 0.5, 0.3}), integer(7)});
  CHECK(std::fabs(counts.mean[2] - 2.1) < 5 * std::sqrt(7 * 0.21 / kDraws));
  CHECK(std::fabs(counts.second[1] - counts.mean[0] * counts.mean[1] + 7 * 0.2 * 0.5) < 0.05);  // covariance -n p q
  const Moments shares = moments_of(source, "dirichlet", {vector({1, 2, 5})});
  CHECK(std::fabs(shares.mean[0] - 1.0 / 8) < 5 * std::sqrt(7.0 / 64 / 9 / kDraws));
  CHECK(std::fabs(shares.mean[2] - 5.0 / 8) < 5 * std::sqrt(15.0 / 64 / 9 / kDraws));
  const Value tiny = source.draw("dirichlet", {vector({1e-6, 1e-6})});
  CHECK(close(tiny.number[0] + tiny.number[1], 1));
}

TEST_CASE("multi_normal draws have their mean and covariance, from covariance, factor and precision") {
  Source source;
  const Value sigma = matrix(2, 2, {2, 0.6, 0.6, 1}), mu = vector({1, -1});
  const std::vector<std::pair<const char*, Value>> forms{{"multi_normal", sigma},
                                                         {"multi_normal_cholesky", call("cholesky_decompose", {sigma})},
                                                         {"multi_normal_prec", call("inverse_spd", {sigma})}};
  for (const auto& [family, matrix] : forms) {
    CAPTURE(family);
    const Moments m = moments_of(source, family, {mu, matrix});
    CHECK(std::fabs(m.mean[0] - 1) < 5 * std::sqrt(2.0 / kDraws));
    CHECK(std::fabs(m.second[0] - m.mean[0] * m.mean[0] - 2) < 5 * std::sqrt(8.0 / kDraws));
    CHECK(std::fabs(m.second[1] - m.mean[0] * m.mean[1] - 0.6) < 5 * std::sqrt(2.36 / kDraws));
  }
  const Value means = value({Base::vector, 1}, {3, 2}, {0, 0, 100, 100, 200, 200});
  const Value draws = source.draw("multi_normal", {means, sigma});
  CHECK(draws.type == Type{Base::vector, 1});
  CHECK(draws.number[4] > 150);
}

TEST_CASE("LKJ draws: the correlation of order 3 has variance 1 / (2 eta + 2)") {
  Source source;
  const Moments m = moments_of(source, "lkj_corr", {integer(3), real(1.5)});
  // Marginally (r + 1) / 2 ~ Beta(eta + 1/2, eta + 1/2), so Var r = 1 / (2 eta + 2).
  for (const std::size_t place : {1u, 2u, 5u}) CHECK(std::fabs(m.second[place * 9 + place] - 0.2) < 0.01);
  CHECK(m.mean[0] == doctest::Approx(1));
  const Value factor = source.draw("lkj_corr_cholesky", {integer(3), real(1)});
  CHECK(factor.number[0] == 1);
  CHECK(factor.number[3] == 0);
  CHECK(source.draw("lkj_corr_cholesky", {integer(1), real(1)}).number == std::vector<double>{1});
}

TEST_CASE("discrete_range draws lie in the range, ends included") {
  Source source;
  bool low = false, high = false;
  for (int s = 0; s < 200; ++s) {
    const double x = source.draw("discrete_range", {integer(-1), integer(1)}).number[0];
    CHECK(x >= -1);
    CHECK(x <= 1);
    low |= x == -1;
    high |= x == 1;
  }
  CHECK(low);
  CHECK(high);
}
