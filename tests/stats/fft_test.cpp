// The transform against its definition, and autocovariances against the direct sum.
#include "stats/fft.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "base/philox.h"
#include "stats/moments.h"

using namespace tenfold;
using namespace tenfold::stats;

namespace {

std::vector<double> random_series(std::size_t n, std::uint32_t id, double level = 0) {
  PhiloxStream stream(7, "fft test", id);
  std::vector<double> out(n);
  for (double& x : out) x = level + stream.normal();
  return out;
}

std::size_t reversed(std::size_t k, std::size_t length) {
  std::size_t out = 0;
  for (; length > 1; length /= 2, k /= 2) out = 2 * out + k % 2;
  return out;
}

// The definition, one product at a time.
std::vector<double> direct_autocovariance(std::span<const double> x) {
  const double center = mean(x);
  std::vector<double> out(x.size(), 0.0);
  for (std::size_t t = 0; t < x.size(); ++t) {
    for (std::size_t i = 0; i + t < x.size(); ++i) out[t] += (x[i] - center) * (x[i + t] - center);
    out[t] /= static_cast<double>(x.size());
  }
  return out;
}

}  // namespace

TEST_CASE("the forward transform is the sum it stands for, in bit-reversed order") {
  for (const std::size_t length : {1u, 2u, 4u, 16u, 64u}) {
    const std::vector<double> x = random_series(length, 1), y = random_series(length, 2);
    std::vector<double> real = x, imaginary = y;
    Fft(length).forward(real, imaginary);
    for (std::size_t k = 0; k < length; ++k) {
      double re = 0, im = 0;
      for (std::size_t j = 0; j < length; ++j) {
        const double angle = -2 * std::numbers::pi * static_cast<double>(j * k % length) / static_cast<double>(length);
        re += x[j] * std::cos(angle) - y[j] * std::sin(angle);
        im += x[j] * std::sin(angle) + y[j] * std::cos(angle);
      }
      CHECK(real[reversed(k, length)] == doctest::Approx(re).epsilon(1e-12));
      CHECK(imaginary[reversed(k, length)] == doctest::Approx(im).epsilon(1e-12));
    }
  }
}

TEST_CASE("inverse after forward is the length times the series") {
  const std::vector<double> x = random_series(256, 3), y = random_series(256, 4);
  std::vector<double> real = x, imaginary = y;
  const Fft fft(256);
  fft.forward(real, imaginary);
  fft.inverse(real, imaginary);
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(real[i] / 256 == doctest::Approx(x[i]).epsilon(1e-12));
    CHECK(imaginary[i] / 256 == doctest::Approx(y[i]).epsilon(1e-12));
  }
}

TEST_CASE("autocovariances by the transform are the direct sums, for any length and number of series") {
  for (const std::size_t n : {1u, 2u, 3u, 5u, 64u, 100u, 257u}) {
    MeanAutocovariance autocovariance(n);
    for (const std::size_t count : {1u, 2u, 3u, 8u}) {
      std::vector<double> series, expected(n, 0.0);
      for (std::size_t s = 0; s < count; ++s) {
        const std::vector<double> one = random_series(n, static_cast<std::uint32_t>(10 + s), 100.0 * static_cast<double>(s));
        series.insert(series.end(), one.begin(), one.end());
        const std::vector<double> own = direct_autocovariance(one);
        for (std::size_t t = 0; t < n; ++t) expected[t] += own[t] / static_cast<double>(count);
      }
      const std::span<const double> got = autocovariance(series, count);
      REQUIRE(got.size() == n);
      for (std::size_t t = 0; t < n; ++t) CHECK(std::fabs(got[t] - expected[t]) <= 1e-12 * (1 + expected[0]));
    }
  }
}
