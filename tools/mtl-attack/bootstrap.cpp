#include "mtl-attack/bootstrap.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/philox.h"
#include "stats/quantile.h"

namespace tenfold::mtl_attack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// statistic(begin, end) over drawn indices.
template <class Statistic>
Estimate resampled(std::size_t n, double mean, std::uint64_t seed, const std::string& purpose, const Statistic& statistic) {
  Estimate out{.n = n, .mean = mean, .low = kNaN, .high = kNaN};
  if (n < 2) return out;
  PhiloxStream stream(seed, "bootstrap " + purpose);
  std::vector<std::uint32_t> drawn(n);
  std::vector<double> values(kBootstrapDraws);
  for (double& value : values) {
    for (std::uint32_t& index : drawn) index = stream.below(static_cast<std::uint32_t>(n));
    value = statistic(drawn);
  }
  std::sort(values.begin(), values.end());
  out.low = stats::quantile(values, 0.025);
  out.high = stats::quantile(values, 0.975);
  return out;
}

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? kNaN : sum / static_cast<double>(values.size());
}

}  // namespace

Estimate bootstrap_mean(std::span<const double> values, std::uint64_t seed, const std::string& purpose) {
  return resampled(values.size(), mean_of(values), seed, purpose, [&](const std::vector<std::uint32_t>& drawn) {
    double sum = 0;
    for (const std::uint32_t index : drawn) sum += values[index];
    return sum / static_cast<double>(drawn.size());
  });
}

Estimate bootstrap_ratio(std::span<const double> a, std::span<const double> b, std::uint64_t seed, const std::string& purpose) {
  return resampled(a.size(), mean_of(a) / mean_of(b), seed, purpose, [&](const std::vector<std::uint32_t>& drawn) {
    double above = 0, below = 0;
    for (const std::uint32_t index : drawn) {
      above += a[index];
      below += b[index];
    }
    return above / below;
  });
}

std::string verdict(const Estimate& difference, const std::string& a, const std::string& b) {
  if (difference.low > 0) return a + " > " + b;
  if (difference.high < 0) return a + " < " + b;
  return "no difference shown";
}

}  // namespace tenfold::mtl_attack
