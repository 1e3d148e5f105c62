// Sums, means and variances in one fixed order, so that every kernel and every machine gives the same bits.
#pragma once

#include <span>

namespace tenfold::stats {

// Lane k of 8 sums x[k], x[k + 8], ...; the lanes join as ((0+4)+(2+6)) + ((1+5)+(3+7)). The order that an AVX-512
// register, two AVX2 registers and this loop share.
double sum8(std::span<const double> x);

double mean(std::span<const double> x);      // two passes; NaN for none
double variance(std::span<const double> x);  // two passes, divided by n - 1; NaN for fewer than two
double sd(std::span<const double> x);

}  // namespace tenfold::stats
