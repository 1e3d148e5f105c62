// Sums, means and variances in one fixed order.
#include "stats/moments.h"

#include <cmath>
#include <cstddef>
#include <limits>

namespace tenfold::stats {

namespace {

// sum over i of term(x[i]) in the order of sum8.
template <class Term>
double tree_sum(std::span<const double> x, Term term) {
  double lanes[8] = {};
  const std::size_t whole = x.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) lanes[k] += term(x[i + k]);
  }
  for (std::size_t i = whole; i < x.size(); ++i) lanes[i - whole] += term(x[i]);
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

}  // namespace

double sum8(std::span<const double> x) {
  return tree_sum(x, [](double value) { return value; });
}

double mean(std::span<const double> x) {
  if (x.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double n = static_cast<double>(x.size());
  const double first = sum8(x) / n;
  if (!std::isfinite(first)) return first;
  // A second pass takes back what the first sum's rounding lost; a constant's mean is that constant.
  return first + tree_sum(x, [first](double value) { return value - first; }) / n;
}

double variance(std::span<const double> x) {
  if (x.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const double center = mean(x);
  const double squares = tree_sum(x, [center](double value) { return (value - center) * (value - center); });
  return squares / static_cast<double>(x.size() - 1);
}

double sd(std::span<const double> x) { return std::sqrt(variance(x)); }

}  // namespace tenfold::stats
