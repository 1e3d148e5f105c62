// Draws from standard distributions on a counter-based stream. Methods: gamma by Marsaglia and Tsang (2000), Poisson and binomial
// by inversion below mean 10, else by Hormann's transformed rejection (PTRS, BTRS, 1993).
#pragma once

#include <span>

namespace tenfold {
class PhiloxStream;
}

namespace tenfold::hmc_marg {

double draw_exponential(PhiloxStream& random);  // rate 1
double draw_gamma(double shape, PhiloxStream& random);  // rate 1; shape > 0
double draw_log_gamma(double shape, PhiloxStream& random);  // log of a gamma draw: does not underflow for tiny shapes
double draw_beta(double a, double b, PhiloxStream& random);
// Many at once, at half the time each. Shapes below 1 are drawn one by one, as above.
void draw_gammas(std::span<const double> shape, PhiloxStream& random, std::span<double> out);
void draw_betas(std::span<const double> a, std::span<const double> b, PhiloxStream& random, std::span<double> out);
double draw_poisson(double mean, PhiloxStream& random);  // mean >= 0; NaN above 2^30, Stan's own limit
double draw_binomial(double trials, double probability, PhiloxStream& random);

}  // namespace tenfold::hmc_marg
