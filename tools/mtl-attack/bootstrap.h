// Intervals by resampling images: percentiles of the mean over draws with replacement (Efron 1979).
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace tenfold::mtl_attack {

inline constexpr int kBootstrapDraws = 10'000;

struct Estimate {
  std::size_t n = 0;
  double mean = 0;            // NaN for n = 0
  double low = 0, high = 0;   // 95 %; NaN for n < 2, where nothing can be said
};

// Depends on the values, seed and purpose alone.
Estimate bootstrap_mean(std::span<const double> values, std::uint64_t seed, const std::string& purpose);

// The same of sum(a) / sum(b), drawn in pairs: the ratio of two means. Spans of one length.
Estimate bootstrap_ratio(std::span<const double> a, std::span<const double> b, std::uint64_t seed, const std::string& purpose);

// Of a paired difference a - b: "a > b", "a < b" where the interval excludes zero, else "no difference shown".
std::string verdict(const Estimate& difference, const std::string& a, const std::string& b);

}  // namespace tenfold::mtl_attack
