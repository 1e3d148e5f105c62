// A gradient against differences of its function, each difference with an estimate of its own error.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace tenfold::hmc_marg {

struct Slope {
  double value = 0;
  double error = 0;  // its own estimate: truncation and rounding; infinite where f is not finite nearby
};

// f' at x by Richardson extrapolation of central differences over halved steps (Ridders 1982), until the error is below `enough`
// or has long stopped falling: the entry of least estimated error.
Slope slope(const std::function<double(double)>& f, double x, double enough);

struct GradientCheck {
  double error = 0;  // largest |gradient - difference| / max(1, |gradient|) over the components compared
  int compared = 0;
  int skipped = 0;   // whose difference is not known to a tenth of the tolerance
};

// density(q, gradient): the value; fills gradient unless it is empty.
using DensityFunction = std::function<double(std::span<const double> q, std::span<double> gradient)>;
GradientCheck check_gradient(const std::vector<std::vector<double>>& points, const DensityFunction& density, double tolerance);

}  // namespace tenfold::hmc_marg
