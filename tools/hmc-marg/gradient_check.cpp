// Ridders' table, and the comparison.
#include "hmc-marg/gradient_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tenfold::hmc_marg {

namespace {

constexpr int kSteps = 14;             // halvings of the first step: 1/8, down to 1.5e-5, of max(1, |x|)
constexpr double kFirstStep = 0.125;
constexpr double kRounding = 8 * std::numeric_limits<double>::epsilon();  // of a value of f, relative
constexpr int kFruitless = 4;          // halvings without a better entry after which more do not help

}  // namespace

Slope slope(const std::function<double(double)>& f, double x, double enough) {
  Slope best{0, std::numeric_limits<double>::infinity()};
  std::array<double, kSteps> row{}, last{};
  int known = 0, fruitless = 0;  // entries of the last row
  double h = kFirstStep * std::max(1.0, std::fabs(x));
  for (int step = 0; step < kSteps && best.error > enough && fruitless < kFruitless; ++step, h /= 2) {
    const double above = x + h, below = x - h, up = f(above), down = f(below);
    row[0] = (up - down) / (above - below);
    if (!std::isfinite(row[0])) {  // outside the domain of f, or beyond its range: nearer
      known = 0;
      continue;
    }
    const double rounding = kRounding * std::max(std::fabs(up), std::fabs(down)) / h;
    double power = 1;
    ++fruitless;
    for (int k = 1; k <= known; ++k) {
      const auto i = static_cast<std::size_t>(k);
      power *= 4;
      row[i] = (power * row[i - 1] - last[i - 1]) / (power - 1);
      const double error = std::max(std::fabs(row[i] - row[i - 1]), std::fabs(row[i] - last[i - 1])) + rounding;
      if (error < best.error) {
        best = {row[i], error};
        fruitless = 0;
      }
    }
    if (!std::isfinite(best.error)) fruitless = 0;
    ++known;
    last = row;
  }
  return best;
}

GradientCheck check_gradient(const std::vector<std::vector<double>>& points, const DensityFunction& density, double tolerance) {
  GradientCheck check;
  for (std::vector<double> q : points) {
    std::vector<double> gradient(q.size());
    density(q, gradient);
    for (std::size_t i = 0; i < q.size(); ++i) {
      // The scale is the component's own: beside a large one an error in a small one would be lost.
      const double scale = std::max(1.0, std::fabs(gradient[i])), at = q[i];
      const auto along = [&](double x) {
        q[i] = x;
        return density(q, {});
      };
      const Slope measured = slope(along, at, 0.01 * tolerance * scale);
      q[i] = at;
      if (!(measured.error <= 0.1 * tolerance * scale)) {
        ++check.skipped;
        continue;
      }
      ++check.compared;
      const double error = std::fabs(measured.value - gradient[i]) / scale;
      check.error = std::max(check.error, std::isnan(error) ? std::numeric_limits<double>::infinity() : error);
    }
  }
  return check;
}

}  // namespace tenfold::hmc_marg
