// BFGS with a backtracking line search (Nocedal and Wright, Numerical Optimization, algorithm 6.1), in a handful of dimensions.
#include "hmc-marg/exact_modes.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/gamma_ratio.h"

namespace tenfold::hmc_marg {
namespace {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

constexpr std::array<double, 5> kRadii = {2, 6, 20, 60, 200};  // of the boxes from which starts are drawn, eight from each
constexpr std::uint32_t kStartsPerRadius = 8;
constexpr std::uint32_t kTriesPerStart = 100, kTriesFarOut = 10;
constexpr int kLinePoints = 300;       // of a scan, on either side of a mode
constexpr double kLineFirst = 0.25, kLineLast = 500;  // distances, geometrically spaced
constexpr std::size_t kScannedModes = 4;
constexpr double kStationary = 1e-3;   // Newton decrement at a mode, in squared standard deviations
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
  Vector up, down, here;
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
  at(engine, x, here);
  if (!(here.dot(factor.solve(here)) < kStationary)) return std::nullopt;  // a climb that got stuck
  return sd.allFinite() && sd.minCoeff() > 0 ? std::optional(sd) : std::nullopt;
}

std::vector<double> values(const Vector& x) { return {x.data(), x.data() + x.size()}; }

class Search {
 public:
  Search(Engine& engine, std::uint64_t seed) : engine_(engine), seed_(seed) {}

  bool any_finite() const { return any_finite_; }
  std::vector<Mode> modes;

  void from_box(std::size_t box, std::uint32_t start) {
    Vector x(engine_.dimension()), g;
    const auto id = static_cast<std::uint32_t>(box * kStartsPerRadius + start);
    for (std::uint32_t attempt = 0; attempt < (box < 2 ? kTriesPerStart : kTriesFarOut); ++attempt) {
      PhiloxStream random(seed_, "exact", id, attempt);
      for (double& v : x) v = kRadii[box] * (2 * random.uniform() - 1);
      if (!std::isfinite(at(engine_, x, g)) || !g.allFinite()) continue;
      return from(x);
    }
  }

  void from(Vector x) {
    Vector g;
    if (!std::isfinite(at(engine_, x, g)) || !g.allFinite()) return;
    any_finite_ = true;
    const double value = climb(engine_, x);
    if (x.cwiseAbs().maxCoeff() > kFar) return;
    const std::optional<Vector> sd = widths(engine_, x);
    if (!sd) return;
    const bool known = std::any_of(modes.begin(), modes.end(), [&](const Mode& mode) {
      for (Eigen::Index i = 0; i < x.size(); ++i)
        if (std::fabs(mode.at[static_cast<std::size_t>(i)] - x[i]) > 0.05 * (*sd)[i]) return false;
      return true;
    });
    if (!known) modes.push_back({values(x), value, values(*sd)});
  }

  // Climbs from the maxima along the axes through a mode. The log density of a narrow mode rises towards it from afar, so that
  // points far apart see it.
  void along_axes(const Mode& mode) {
    for (std::size_t axis = 0; axis < mode.at.size(); ++axis)
      for (const double side : {-1.0, 1.0}) scan(mode, axis, side);
  }

 private:
  void scan(const Mode& mode, std::size_t axis, double side) {
    std::vector<double> point = mode.at;
    const double ratio = std::pow(kLineLast / kLineFirst, 1.0 / (kLinePoints - 1));
    double before = kInfinity, last = mode.log_density, distance = kLineFirst * std::min(1.0, mode.sd[axis]), where = 0;
    for (; distance < kLineLast; distance *= ratio) {
      point[axis] = mode.at[axis] + side * distance;
      const double here = engine_.log_density(point);
      if (std::isfinite(last) && last > before && last > here) {
        point[axis] = mode.at[axis] + side * where;
        from(Eigen::Map<const Vector>(point.data(), static_cast<Eigen::Index>(point.size())));
      }
      before = last;
      last = here;
      where = distance;
    }
  }

  Engine& engine_;
  std::uint64_t seed_;
  bool any_finite_ = false;
};

}  // namespace

std::vector<Mode> find_modes(Engine& engine, std::uint64_t seed, double below, std::span<const std::vector<double>> starts) {
  Search search(engine, seed);
  for (std::size_t box = 0; box < kRadii.size(); ++box)
    for (std::uint32_t start = 0; start < kStartsPerRadius; ++start) search.from_box(box, start);
  for (const std::vector<double>& start : starts)
    search.from(Eigen::Map<const Vector>(start.data(), static_cast<Eigen::Index>(start.size())));
  std::vector<Mode>& modes = search.modes;
  const auto keep_high = [&] {
    std::stable_sort(modes.begin(), modes.end(), [](const Mode& a, const Mode& b) { return a.log_density > b.log_density; });
    if (!modes.empty())
      std::erase_if(modes, [top = modes.front().log_density, below](const Mode& mode) { return mode.log_density < top - below; });
  };
  keep_high();
  const std::vector<Mode> highest(modes.begin(),
                                  modes.begin() + static_cast<std::ptrdiff_t>(std::min(modes.size(), kScannedModes)));
  for (const Mode& mode : highest) search.along_axes(mode);
  keep_high();
  if (!search.any_finite()) infeasible_error("no point with a finite density among those tried; check bounds and data");
  if (modes.empty())
    infeasible_error(
        "no mode found: the posterior is improper, or has no curvature where it is highest; `sample` may still work");
  return modes;
}

}  // namespace tenfold::hmc_marg
