// Quantiles of a sample, R's type 7.
#include "stats/quantile.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace tenfold::stats {

double quantile(std::span<const double> sorted, double p) {
  if (sorted.empty() || !(p >= 0 && p <= 1)) return std::numeric_limits<double>::quiet_NaN();
  // Counted from 1 as R counts: the comparison below must see the same bits.
  const double index = 1.0 + static_cast<double>(sorted.size() - 1) * p;
  const double below = std::floor(index);
  const double low = sorted[static_cast<std::size_t>(below) - 1];
  const double high = sorted[static_cast<std::size_t>(std::ceil(index)) - 1];
  const double h = index - below;
  // Equal neighbours need no mixing, and infinite ones do not bear it.
  return h > 0 && low != high ? (1.0 - h) * low + h * high : low;
}

std::vector<double> quantiles_of(std::span<const double> values, std::span<const double> probabilities) {
  const bool any_nan = std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
  std::vector<double> out(probabilities.size(), std::numeric_limits<double>::quiet_NaN());
  if (any_nan) return out;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = quantile(sorted, probabilities[i]);
  return out;
}

double quantile_of(std::span<const double> values, double p) { return quantiles_of(values, std::span(&p, 1)).front(); }
double median(std::span<const double> values) { return quantile_of(values, 0.5); }

}  // namespace tenfold::stats
