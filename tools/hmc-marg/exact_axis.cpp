// Integrals of a cardinal series. At a node j: sum_k f_k (1/2 + Si(pi (j - k)) / pi); inside a cell by Gauss-Legendre quadrature.
#include "hmc-marg/exact_axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace tenfold::hmc_marg {
namespace {

constexpr std::array<double, 4> kNodes = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267, 0.9602898564975363};
constexpr std::array<double, 4> kWeights = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763};

// Eight points: on a cell of a band-limited function the error is below 1e-14 of its maximum.
template <class F>
double integral(double from, double to, const F& f) {
  const double middle = 0.5 * (from + to), half = 0.5 * (to - from);
  double sum = 0;
  for (std::size_t i = 0; i < kNodes.size(); ++i)
    sum += kWeights[i] * (f(middle - half * kNodes[i]) + f(middle + half * kNodes[i]));
  return half * sum;
}

}  // namespace

AxisDistribution::AxisDistribution(std::vector<double> density, double origin, double step)
    : density_(std::move(density)), origin_(origin), step_(step) {
  double total = 0;
  for (const double f : density_) total += f;
  for (double& f : density_) f /= total;
  constexpr double pi = std::numbers::pi;
  half_sine_.assign(density_.size() + 1, 0.0);
  for (std::size_t k = 1; k < half_sine_.size(); ++k) {
    const double to = pi * static_cast<double>(k);
    const auto sinc = [](double x) { return std::sin(x) / x; };
    half_sine_[k] = half_sine_[k - 1] + (integral(to - pi, to - pi / 2, sinc) + integral(to - pi / 2, to, sinc)) / pi;
  }
}

double AxisDistribution::below_node(std::size_t node) const {
  double sum = 0;
  for (std::size_t k = 0; k < density_.size(); ++k)
    sum += density_[k] * (0.5 + (k <= node ? half_sine_[node - k] : -half_sine_[k - node]));
  return sum;
}

double AxisDistribution::interpolant(std::size_t node, double offset) const {
  if (offset <= 0) return density_[node];
  if (offset >= 1) return node + 1 < density_.size() ? density_[node + 1] : 0;
  double sum = 0, sign = node % 2 == 0 ? 1 : -1;
  for (std::size_t k = 0; k < density_.size(); ++k, sign = -sign)
    sum += sign * density_[k] / (offset + static_cast<double>(node) - static_cast<double>(k));
  return sum * std::sin(std::numbers::pi * offset) / std::numbers::pi;
}

double AxisDistribution::within(std::size_t node, double part) const {
  return integral(0, part, [&](double offset) { return interpolant(node, offset); });
}

double AxisDistribution::below(double x) const {
  const double place = (x - origin_) / step_;
  if (place <= 0) return 0;
  if (place >= static_cast<double>(density_.size() - 1)) return 1;
  const auto node = static_cast<std::size_t>(place);
  return below_node(node) + within(node, place - static_cast<double>(node));
}

double AxisDistribution::quantile(double p) const {
  std::size_t low = 0, high = density_.size() - 1;
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (below_node(middle) < p ? low : high) = middle;
  }
  const double rest = p - below_node(low);
  double from = 0, to = 1, part = 0.5;
  for (int i = 0; i < 60 && to - from > 1e-15; ++i) {
    const double error = within(low, part) - rest;
    (error < 0 ? from : to) = part;
    const double slope = interpolant(low, part), next = slope > 0 ? part - error / slope : -1;
    if (std::fabs(next - part) < 1e-14) break;
    part = next > from && next < to ? next : 0.5 * (from + to);
  }
  return origin_ + step_ * (static_cast<double>(low) + part);
}

}  // namespace tenfold::hmc_marg
