// Gamma and beta draws against their distribution functions, one by one and many at once.
#include "hmc-marg/random_variates.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <cmath>
#include <functional>
#include <vector>

#include "base/philox.h"
#include "hmc-marg/kernels.h"

using namespace tenfold::hmc_marg;
using tenfold::PhiloxStream;

namespace {

constexpr std::size_t kDraws = 200000;

// Kolmogorov's distance times the root of the number of draws, from every hundredth of them in order; above 2.2 once in 8000
// cases.
double distance(std::vector<double> draws, const std::function<double(double)>& cdf) {
  std::sort(draws.begin(), draws.end());
  const auto n = static_cast<double>(draws.size());
  double most = 0;
  for (std::size_t i = 50; i < draws.size(); i += 100)
    most = std::max(most, std::fabs(cdf(draws[i]) - (static_cast<double>(i) + 0.5) / n));
  return most * std::sqrt(n);
}

}  // namespace

TEST_CASE("gamma draws follow their distribution, also in the tails, for shapes of all sizes") {
  for (const double shape : {0.05, 0.4, 1.0, 1.3, 2.5, 8.0, 40.0, 3e3, 2e6}) {
    CAPTURE(shape);
    const boost::math::gamma_distribution<> law(shape, 1);
    const auto cdf = [&](double x) { return boost::math::cdf(law, x); };
    PhiloxStream one(11, "gamma test", 1), many(11, "gamma test", 2);
    std::vector<double> single(kDraws), together(kDraws);
    for (double& x : single) x = draw_gamma(shape, one);
    draw_gammas(std::vector<double>(kDraws, shape), many, together);
    for (const std::vector<double>& draws : {single, together}) {
      CHECK(distance(draws, cdf) < 2.2);
      for (const double p : {1e-3, 1 - 1e-3}) {  // counts beyond: Poisson with mean 200
        const double bound = boost::math::quantile(law, p);
        const auto beyond = std::count_if(draws.begin(), draws.end(), [&](double x) { return p < 0.5 ? x < bound : x > bound; });
        CHECK(std::fabs(static_cast<double>(beyond) - 200) < 75);
      }
    }
  }
}

TEST_CASE("beta draws follow their distribution, whichever shapes stand side by side") {
  const std::vector<std::pair<double, double>> shapes = {{0.3, 0.4}, {0.2, 5}, {1, 1},     {1.2, 0.9}, {2, 7},
                                                         {30, 400},  {1e5, 3}, {4e8, 6e8}, {1.5, 1.5}};
  const std::size_t kinds = shapes.size();
  std::vector<double> a(kDraws * kinds), b(a.size()), drawn(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) std::tie(a[i], b[i]) = shapes[i % kinds];
  PhiloxStream many(12, "beta test", 1), one(12, "beta test", 2);
  draw_betas(a, b, many, drawn);
  for (std::size_t k = 0; k < kinds; ++k) {
    CAPTURE(shapes[k].first);
    CAPTURE(shapes[k].second);
    const boost::math::beta_distribution<> law(shapes[k].first, shapes[k].second);
    const auto cdf = [&](double x) { return boost::math::cdf(law, std::clamp(x, 0.0, 1.0)); };
    std::vector<double> together, single(kDraws);
    for (std::size_t i = k; i < drawn.size(); i += kinds) together.push_back(drawn[i]);
    for (double& x : single) x = draw_beta(shapes[k].first, shapes[k].second, one);
    CHECK(distance(together, cdf) < 2.2);
    CHECK(distance(single, cdf) < 2.2);
  }
}

TEST_CASE("betas of large shapes have the variance that is left, not that of rounding") {
  constexpr double kShape = 1e17;
  std::vector<double> drawn(kDraws);
  PhiloxStream random(13, "beta test");
  draw_betas(std::vector<double>(kDraws, kShape), std::vector<double>(kDraws, kShape), random, drawn);
  double square = 0;
  for (const double x : drawn) square += (x - 0.5) * (x - 0.5);
  const double sd = std::sqrt(square / static_cast<double>(kDraws));
  CHECK(sd == doctest::Approx(0.5 / std::sqrt(2 * kShape)).epsilon(0.02));
}

TEST_CASE("a gamma trial taken without a logarithm would have been taken with it") {
  std::vector<double> shape, normal, uniform;
  std::size_t beyond_unity = 0;
  for (double s = 1; s < 1e9; s *= 1.7)
    for (double x = -4; x < 6; x += 0.0625) {
      const long double d = s - 1.0L / 3, t = 1 + x / std::sqrt(9 * d);
      const long double most = t > 0 ? std::exp(x * x / 2.0L + d * (1 - t * t * t) + 3 * d * std::log(t)) : 0;
      if (most > 1 - 1e-9L) {  // all but always taken
        ++beyond_unity;
        continue;
      }
      shape.push_back(s);
      normal.push_back(x);
      uniform.push_back(static_cast<double>(most) + 1e-9);  // just not
    }
  CHECK(beyond_unity < shape.size());
  while (shape.size() % 8 != 0) {
    shape.push_back(shape.back());
    normal.push_back(normal.back());
    uniform.push_back(uniform.back());
  }
  std::vector<double> value(shape.size()), certain(shape.size());
  kernels(best_instruction_set())
      .gamma_trials(shape.data(), normal.data(), uniform.data(), value.data(), certain.data(), shape.size());
  CHECK(std::all_of(certain.begin(), certain.end(), [](double x) { return x == 0; }));
  // Nor does it ask for the logarithm more often than once in twenty trials where the shape is 2.
  std::size_t asked = 0;
  constexpr std::size_t kTrials = 8000;
  std::vector<double> x(kTrials), u(kTrials);
  PhiloxStream random(14, "gamma test");
  random.normals(x);
  random.uniforms(u);
  value.resize(kTrials);
  certain.resize(kTrials);
  kernels(best_instruction_set())
      .gamma_trials(std::vector<double>(kTrials, 2.0).data(), x.data(), u.data(), value.data(), certain.data(), kTrials);
  for (const double c : certain) asked += c == 0;
  CHECK(asked < kTrials / 20);
}
