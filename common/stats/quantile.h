// Quantiles of a sample: R's type 7, the default of R and NumPy.
#pragma once

#include <span>
#include <vector>

namespace tenfold::stats {

// Linear between the order statistics around 1 + (n - 1) p, computed as R does. p in [0, 1]; NaN for an empty sample.
double quantile(std::span<const double> sorted, double p);

// Sorts a copy. NaN if any value is.
double quantile_of(std::span<const double> values, double p);
std::vector<double> quantiles_of(std::span<const double> values, std::span<const double> probabilities);
double median(std::span<const double> values);

}  // namespace tenfold::stats
