// Ratios of gamma functions without cancellation, and the constants that log densities share.
#pragma once

#include <cmath>
#include <limits>

namespace tenfold::hmc_marg {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kHalfLog2Pi = 0.91893853320467274178;
inline constexpr double kLogPi = 1.14472988584940017414;

// lgamma(a + y) - lgamma(a) and its derivative in a, for a > 0, y >= 0, without cancellation at any scale of a: a product for
// small integer y, else a Stirling series in which the large parts cancel analytically.
double lgamma_diff(double a, double y);
double digamma_diff(double a, double y);

// a * log b, 0 where both are 0.
inline double multiply_log(double a, double b) { return a == 0 && b == 0 ? 0 : a * std::log(b); }

}  // namespace tenfold::hmc_marg
