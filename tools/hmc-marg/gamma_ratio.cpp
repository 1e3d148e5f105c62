// Gamma ratios: arguments are shifted above 16, where seven terms of Stirling's series are exact to rounding.
#include "hmc-marg/gamma_ratio.h"

namespace tenfold::hmc_marg {
namespace {

// Stirling's correction sum_k B_2k / (2k (2k-1) z^(2k-1)).
double stirling_correction(double z) {
  const double w = 1 / (z * z);
  return (1.0 / 12 +
          w * (-1.0 / 360 + w * (1.0 / 1260 + w * (-1.0 / 1680 + w * (1.0 / 1188 + w * (-691.0 / 360360 + w * (1.0 / 156))))))) /
         z;
}

// digamma(z) = log z - 1/(2z) - digamma_tail(z).
double digamma_tail(double z) {
  const double w = 1 / (z * z);
  return w * (1.0 / 12 +
              w * (-1.0 / 120 + w * (1.0 / 252 + w * (-1.0 / 240 + w * (1.0 / 132 + w * (-691.0 / 32760 + w * (1.0 / 12)))))));
}

constexpr double kShift = 16;

bool small_integer(double y) { return y <= 16 && y == std::floor(y); }

}  // namespace

double lgamma_diff(double a, double y) {
  if (y == 0) return 0;
  if (small_integer(y)) {
    double product = 1;  // at most 16 factors: no overflow below a = 1e15, and tiny a is caught below
    for (int j = 0; j < static_cast<int>(y); ++j) product *= a + j;
    if (a < 1e15 && product > 1e-290) return std::log(product);
    double sum = 0;
    for (int j = 0; j < static_cast<int>(y); ++j) sum += std::log(a + j);
    return sum;
  }
  double shifted = 0;
  while (a < kShift) {  // Gamma(a+y)/Gamma(a) = Gamma(a+1+y)/Gamma(a+1) * a / (a+y)
    shifted -= std::log1p(y / a);
    a += 1;
  }
  const double z = a + y;
  return shifted + (z - 0.5) * std::log1p(y / a) + y * std::log(a) - y + (stirling_correction(z) - stirling_correction(a));
}

double digamma_diff(double a, double y) {
  if (y == 0) return 0;
  if (small_integer(y)) {
    double sum = 0;
    for (int j = 0; j < static_cast<int>(y); ++j) sum += 1 / (a + j);
    return sum;
  }
  double shifted = 0;
  while (a < kShift) {
    shifted += y / (a * (a + y));
    a += 1;
  }
  const double z = a + y;
  return shifted + std::log1p(y / a) + 0.5 * y / (a * z) + (digamma_tail(a) - digamma_tail(z));
}

}  // namespace tenfold::hmc_marg
