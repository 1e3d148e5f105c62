// Philox against the known answers of its authors' Random123 library (kat_vectors), and the streams made of it.
#include "base/philox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "base/ziggurat.h"

using namespace tenfold;

TEST_CASE("the published known answers of philox4x32-10") {
  using Counter = std::array<std::uint32_t, 4>;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t ones = 0xffffffff;
  CHECK(philox4x32({ones, ones, ones, ones}, {ones, ones}) == Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  // Digits of pi.
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is the bijection of (block, ids) under the key of seed and purpose") {
  PhiloxStream stream(42, "momentum", 1, 2, 3);
  const std::array<std::uint32_t, 2> key = philox_key(42, "momentum");
  for (std::uint32_t block = 0; block < 9; ++block) {
    for (const std::uint32_t word : philox4x32({block, 1, 2, 3}, key)) CHECK(stream.next_u32() == word);
  }
}

TEST_CASE("many uniforms or normals at once are those that single calls give, from any place in a stream") {
  for (const std::size_t words : {0, 1, 2, 5, 16, 17}) {
    for (const std::size_t count : {1, 7, 8, 40, 1000}) {
      PhiloxStream one(9, "many", 4), many(9, "many", 4);
      for (std::size_t i = 0; i < words; ++i) CHECK(one.next_u32() == many.next_u32());
      std::vector<double> drawn(count);
      many.normals(drawn);
      CHECK(std::all_of(drawn.begin(), drawn.end(), [&](double x) { return x == one.normal(); }));
      many.uniforms(drawn);
      CHECK(std::all_of(drawn.begin(), drawn.end(), [&](double x) { return x == one.uniform(); }));
      CHECK(one.next_u32() == many.next_u32());
    }
  }
  // Against the bijection itself, where blocks are taken sixteen at a time.
  std::vector<double> drawn(200);
  PhiloxStream(42, "momentum", 1, 2, 3).uniforms(drawn);
  const auto key = philox_key(42, "momentum");
  for (std::uint32_t i = 0; i < drawn.size(); ++i) {
    const auto block = philox4x32({i / 2, 1, 2, 3}, key);
    const std::uint64_t bits = std::uint64_t{block[2 * (i % 2)]} << 32 | block[2 * (i % 2) + 1];
    CHECK(drawn[i] == (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52);
  }
}

TEST_CASE("seeds and purposes give keys of their own") {
  std::set<std::array<std::uint32_t, 2>> keys;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    keys.insert(philox_key(seed, "init"));
    keys.insert(philox_key(seed, "momentum"));
  }
  CHECK(keys.size() == 2000);
}

TEST_CASE("what a seed draws is fixed for good: a change would change every run") {
  CHECK(philox_key(1, "init") == std::array<std::uint32_t, 2>{0x4de5e1d2, 0x571fed4d});
  PhiloxStream stream(1, "init");
  CHECK(stream.uniform() == 0.66775515497396076);
  CHECK(stream.normal() == doctest::Approx(0.638124).epsilon(1e-6));
}

TEST_CASE("uniforms lie inside (0, 1) and fill it evenly") {
  PhiloxStream stream(3, "uniform test");
  constexpr int n = 100000, bins = 20;
  std::vector<int> counts(bins, 0);
  for (int i = 0; i < n; ++i) {
    const double u = stream.uniform();
    REQUIRE(u > 0);
    REQUIRE(u < 1);
    ++counts[static_cast<std::size_t>(u * bins)];
  }
  double chi_square = 0;
  for (const int count : counts) chi_square += std::pow(count - n / bins, 2) / (n / bins);
  CHECK(chi_square < 43.8);  // 0.999 quantile at 19 degrees
}

TEST_CASE("normals have the moments of the standard normal") {
  PhiloxStream stream(4, "normal test");
  constexpr int n = 200000;
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (int i = 0; i < n; ++i) {
    const double z = stream.normal();
    m1 += z / n;
    m2 += z * z / n;
    m3 += z * z * z / n;
    m4 += z * z * z * z / n;
  }
  const double unit = 1 / std::sqrt(static_cast<double>(n));  // four standard errors each
  CHECK(std::fabs(m1) < 4 * unit);
  CHECK(std::fabs(m2 - 1) < 4 * std::sqrt(2.0) * unit);
  CHECK(std::fabs(m3) < 4 * std::sqrt(15.0) * unit);
  CHECK(std::fabs(m4 - 3) < 4 * std::sqrt(96.0) * unit);
}

TEST_CASE("normals have the distribution of the standard normal, the tail beyond the ziggurat's lowest rectangle included") {
  PhiloxStream stream(8, "normal test");
  constexpr int n = 2000000;
  std::vector<double> z(n);
  stream.normals(z);
  std::sort(z.begin(), z.end());
  const auto cdf = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  double distance = 0;
  for (int i = 0; i < n; ++i) {
    const double p = cdf(z[static_cast<std::size_t>(i)]);
    distance = std::max({distance, std::fabs(p - static_cast<double>(i) / n), std::fabs(p - static_cast<double>(i + 1) / n)});
  }
  CHECK(distance < 1.95 / std::sqrt(static_cast<double>(n)));  // Kolmogorov's 0.999 quantile
  for (const double edge : {2.5, 3.2, 3.6541528853610088, 4.0, 4.4}) {
    const double expected = n * cdf(-edge), deviation = 4 * std::sqrt(expected);
    CHECK(std::fabs(static_cast<double>(std::lower_bound(z.begin(), z.end(), -edge) - z.begin()) - expected) < deviation);
    CHECK(std::fabs(static_cast<double>(z.end() - std::upper_bound(z.begin(), z.end(), edge)) - expected) < deviation);
  }
}

TEST_CASE("a list of normals is what as many single ones are") {
  PhiloxStream one(9, "normal test"), many(9, "normal test");
  std::vector<double> z(1000);
  many.normals(z);
  for (const double x : z) CHECK(x == one.normal());
  CHECK(one.next_u32() == many.next_u32());
}

TEST_CASE("the ziggurat's layers have one area and end at the top of the curve") {
  const Ziggurat& z = kZiggurat;
  const double tail = std::sqrt(0.5 * 3.14159265358979323846) * std::erfc(Ziggurat::kTail / std::sqrt(2.0));
  CHECK(Ziggurat::kTail * z.height[1] + tail == doctest::Approx(Ziggurat::kArea).epsilon(1e-11));
  for (std::size_t i = 1; i < Ziggurat::kLayers; ++i)
    CHECK(z.x[i] * (z.height[i + 1] - z.height[i]) == doctest::Approx(Ziggurat::kArea).epsilon(1e-9));
}

TEST_CASE("integers below n are even") {
  PhiloxStream stream(5, "below test");
  std::vector<int> counts(7, 0);
  for (int i = 0; i < 70000; ++i) ++counts[stream.below(7)];
  for (const int count : counts) CHECK(std::fabs(count - 10000.0) < 4 * std::sqrt(10000.0 * 6 / 7));
  CHECK(stream.below(1) == 0);
}

TEST_CASE("a copy of a stream goes on as the original") {
  PhiloxStream a(6, "copy test");
  a.normal();
  PhiloxStream b = a;
  for (int i = 0; i < 5; ++i) CHECK(a.normal() == b.normal());
}
