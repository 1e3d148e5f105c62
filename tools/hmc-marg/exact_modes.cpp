// BFGS with a backtracking line search (Nocedal and Wright, Numerical Optimization, algorithm 6.1), in a handful of dimensions.
#include "hmc-marg/exact_modes.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/philox.h"

namespace tenfold::hmc_marg {
namespace {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

constexpr int kStarts = 8;
constexpr int kTriesPerStart = 100;
constexpr int kIterations = 1000;
constexpr double kLeastStep = 2;  // the longest step is never below; it doubles where the way is long, to an intercept of 1500
constexpr double kFar = 1e4;  // of an unconstrained coordinate: a mode out there is none

double at(Engine& engine, const Vector& x, Vector& gradient) {
  gradient.resize(x.size());
  return engine.log_density({x.data(), static_cast<std::size_t>(x.size())},
                            {gradient.data(), static_cast<std::size_t>(gradient.size())});
}

// Climbs from x; x is then a stationary point, or where progress ended.
double climb(Engine& engine, Vector& x) {
  const Eigen::Index d = x.size();
  Matrix inverse = Matrix::Identity(d, d);
  Vector g, next_g;
  double value = at(engine, x, g);
  double longest = kLeastStep;  // of a step
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    Vector step = inverse * g;
    if (!(step.dot(g) > 0)) {
      inverse.setIdentity();
      step = g;
    }
    if (step.dot(g) < 1e-16) break;
    const bool cut = step.norm() > longest;
    if (cut) step *= longest / step.norm();
    double t = 1, next = value;
    Vector to;
    for (; t > 1e-12; t *= 0.5) {
      to = x + t * step;
      next = at(engine, to, next_g);
      if (std::isfinite(next) && next_g.allFinite() && next >= value + 1e-4 * t * step.dot(g)) break;
    }
    if (t <= 1e-12) break;
    longest = cut && t == 1 ? 2 * longest : std::max(kLeastStep, 0.5 * longest);
    const Vector s = to - x, y = g - next_g;  // y: change of the gradient of -log density
    if (const double curvature = s.dot(y); curvature > 1e-14 * s.norm() * y.norm()) {
      if (iteration == 0) inverse *= curvature / y.squaredNorm();
      const Matrix left = Matrix::Identity(d, d) - s * y.transpose() / curvature;
      inverse = left * inverse * left.transpose() + s * s.transpose() / curvature;
    }
    x = to;
    value = next;
    g = next_g;
    if (x.cwiseAbs().maxCoeff() > kFar) break;
  }
  return value;
}

// Marginal standard deviations, or nothing where the point is no maximum.
std::optional<Vector> widths(Engine& engine, const Vector& x) {
  const Eigen::Index d = x.size();
  Matrix precision(d, d);
  Vector up, down;
  for (Eigen::Index i = 0; i < d; ++i) {
    const double h = 1e-4 * std::max(1.0, std::fabs(x[i]));
    Vector to = x;
    to[i] = x[i] + h;
    at(engine, to, up);
    to[i] = x[i] - h;
    at(engine, to, down);
    precision.col(i) = (down - up) / (2 * h);
  }
  const Matrix symmetric = 0.5 * (precision + precision.transpose());
  const Eigen::LLT<Matrix> factor(symmetric);
  if (!symmetric.allFinite() || factor.info() != Eigen::Success) return std::nullopt;
  const Vector sd = factor.solve(Matrix::Identity(d, d)).diagonal().cwiseSqrt();
  return sd.allFinite() && sd.minCoeff() > 0 ? std::optional(sd) : std::nullopt;
}

std::vector<double> values(const Vector& x) { return {x.data(), x.data() + x.size()}; }

}  // namespace

std::vector<Mode> find_modes(Engine& engine, std::uint64_t seed, double below) {
  const int d = engine.dimension();
  std::vector<Mode> modes;
  bool any_finite = false;
  for (std::uint32_t start = 0; start < kStarts; ++start) {
    Vector x(d), g;
    bool finite = false;
    for (std::uint32_t attempt = 0; attempt < kTriesPerStart && !finite; ++attempt) {
      PhiloxStream random(seed, "exact", start, attempt);
      for (double& v : x) v = 4 * random.uniform() - 2;
      finite = std::isfinite(at(engine, x, g)) && g.allFinite();
    }
    if (!finite) continue;
    any_finite = true;
    const double value = climb(engine, x);
    if (x.cwiseAbs().maxCoeff() > kFar) continue;
    const std::optional<Vector> sd = widths(engine, x);
    if (!sd) continue;
    const bool known = std::any_of(modes.begin(), modes.end(), [&](const Mode& mode) {
      for (int i = 0; i < d; ++i)
        if (std::fabs(mode.at[static_cast<std::size_t>(i)] - x[i]) > 0.05 * (*sd)[i]) return false;
      return true;
    });
    if (!known) modes.push_back({values(x), value, values(*sd)});
  }
  if (!any_finite) infeasible_error("no point with a finite density among those tried; check bounds and data");
  if (modes.empty())
    infeasible_error(
        "no mode found: the posterior is improper, or has no curvature where it is highest; `sample` may still work");
  std::stable_sort(modes.begin(), modes.end(), [](const Mode& a, const Mode& b) { return a.log_density > b.log_density; });
  std::erase_if(modes, [top = modes.front().log_density, below](const Mode& mode) { return mode.log_density < top - below; });
  return modes;
}

}  // namespace tenfold::hmc_marg
