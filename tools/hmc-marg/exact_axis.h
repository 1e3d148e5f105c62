// The distribution of one coordinate from its density on a uniform lattice.
#pragma once

#include <vector>

namespace tenfold::hmc_marg {

// A density sampled finely enough for the trapezoid rule at twice the step is its own sinc interpolant (Whittaker's cardinal
// series; Stenger, Numerical Methods Based on Sinc and Analytic Functions, 1.10), whose integral is exact: the same accuracy as
// the moments'.
class AxisDistribution {
 public:
  // density [n], up to a factor, at origin + step * k; negligible beyond both ends.
  AxisDistribution(std::vector<double> density, double origin, double step);
  double below(double x) const;     // P(X <= x)
  double quantile(double p) const;  // 0 < p < 1

 private:
  double below_node(std::size_t node) const;
  double within(std::size_t node, double part) const;  // integral over the first `part` of the cell that begins at the node
  double interpolant(std::size_t node, double offset) const;

  std::vector<double> density_;   // sums to 1
  std::vector<double> half_sine_;  // [n] Si(pi k) / pi
  double origin_, step_;
};

}  // namespace tenfold::hmc_marg
