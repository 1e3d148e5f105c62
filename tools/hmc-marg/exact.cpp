// Quadrature over the grid: sums of a level are those of the level before and of its new points.
#include "hmc-marg/exact.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "hmc-marg/exact_axis.h"
#include "hmc-marg/exact_evidence.h"
#include "hmc-marg/exact_functions.h"
#include "hmc-marg/exact_grid.h"
#include "hmc-marg/exact_modes.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/mixture.h"

namespace tenfold::hmc_marg {
namespace {

constexpr std::size_t kBlock = 512;                 // points whose sums are made by one thread, in order
// In marginal standard deviations. Errors fall as exp(-c / step^2) or so: at 0.65 they are mostly below 1e-9 already, which one
// halving shows; from 0.5 the same halving costs twice as many points in three dimensions, from 1 there would be a second one.
constexpr double kFirstStep = 0.65;
constexpr double kEdge = 1e-9;                      // of a moment's integrand at the edge, relative to its integral
constexpr std::size_t kMixtureDoubles = 32u << 20;  // conditionals kept at once for quantiles: 256 MiB
constexpr double kMixtureNegligible = 32;           // e^-32 = 1e-14: components that no quantile notices
constexpr std::size_t kManyPoints = 200'000;        // of the last level, from which the level before may serve for quantiles
constexpr double kGuessEnough = 1e-6;  // standard deviations that a level's quantiles moved, whose square is their error
constexpr std::size_t kDrawsToStart = 64;  // of a run's draws that the search for modes starts from
constexpr double kAbrupt = 10;  // a point this near to the maximum whose neighbour is negligible: the density ends in a step
constexpr std::array<double, 3> kLevels = {0.05, 0.5, 0.95};

// Weighted sums of one scalar about a centre c: of x - c, (x - c)^2 and |x - c|; an eliminated scalar adds its conditional
// variance.
struct Sums {
  double first = 0, second = 0, absolute = 0;
  void add(double weight, double x, double variance) {
    first += weight * x;
    second += weight * (x * x + variance);
    absolute += weight * (std::fabs(x) + (variance > 0 ? std::sqrt(variance) : 0));
  }
  void operator+=(const Sums& other) {
    first += other.first;
    second += other.second;
    absolute += other.absolute;
  }
};

struct Level {
  double weight = 0;
  std::vector<Sums> sums;  // [scalars]
  explicit Level(std::size_t n) : sums(n) {}
  void operator+=(const Level& other) {
    weight += other.weight;
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += other.sums[i];
  }
};

struct Moments {
  double log_integral = 0;
  std::vector<double> mean, sd;  // NaN where the tails decide
};

// The integrals over one model's grid. Scalars: functions of the kept parameters, unconstrained coordinates, eliminated scalars.
class Quadrature {
 public:
  Quadrature(const Model& model, const Marginal& marginal, const ExactOptions& options, cli::Run& run)
      : options_(options),
        run_(run),
        functions_(model, marginal),
        d_(static_cast<int>(marginal.target.inputs.size())),
        threads_(std::max(1, run.threads())) {
    const std::shared_ptr<const OpProgram> program = lower(model.graph.graph, marginal.target);
    for (int t = 0; t < threads_.size(); ++t) {
      engines_.emplace_back(program);
      points_.push_back(functions_.evaluator());
    }
  }

  ExactResult run(std::span<const std::vector<double>> draws) {
    ExactResult result;
    if (d_ == 0) {
      closed_form(result);
    } else {
      std::vector<std::vector<double>> starts;
      for (std::size_t i = 0; i < std::min(draws.size(), kDrawsToStart); ++i)
        starts.push_back(draws[i * draws.size() / std::min(draws.size(), kDrawsToStart)]);
      const std::vector<Mode> modes = find_modes(engines_.front(), kSeed, kNegligible, starts);
      centre_at(modes.front().at);
      Grid grid(engines_, threads_, modes, kFirstStep);
      const Moments moments = refine(grid, result);
      result.log_integral = moments.log_integral;
      list(moments, result);
      axis_quantiles(grid, result);
      mixture_quantiles(grid, result);
      result.points = grid.evaluated();
      result.step = grid.step();
      for (const std::vector<double>& draw : draws) result.draws_outside += !grid.near(draw);
    }
    result.left_out = functions_.left_out();
    return result;
  }

 private:
  static constexpr std::uint64_t kSeed = 1;  // starts of the search for modes: the answer is not random

  std::size_t scalars() const { return functions_.size() + static_cast<std::size_t>(d_) + functions_.eliminated(); }

  std::size_t first_eliminated() const { return functions_.size() + static_cast<std::size_t>(d_); }

  void centre_at(const std::vector<double>& q) {
    centre_.assign(scalars(), 0.0);
    std::vector<double> variance(scalars());
    evaluate(points_.front(), q, centre_, variance);
  }

  // All scalars at a point, as means and variances given it.
  void evaluate(PointFunctions& point, std::span<const double> q, std::vector<double>& mean,
                std::vector<double>& variance) const {
    const std::size_t f = functions_.size();
    const std::span<double> m(mean), v(variance);
    if (!point.evaluate(q, m.first(f), m.subspan(first_eliminated()), v.subspan(first_eliminated())))
      infeasible_error(fmt::format(
          "{}: `verify` says more",
          q.empty() ? "the integral over the parameters is not finite: the posterior is improper"
                    : fmt::format("no conditional of the eliminated parameters at unconstrained ({:.6g})", fmt::join(q, ", "))));
    std::copy(q.begin(), q.end(), mean.begin() + static_cast<std::ptrdiff_t>(f));
  }

  void closed_form(ExactResult& result) {
    result.log_integral = engines_.front().log_density({});
    if (!std::isfinite(result.log_integral)) infeasible_error("the density is zero or not finite; check bounds and data");
    Moments moments;
    moments.mean.assign(scalars(), 0.0);
    moments.sd.assign(scalars(), 0.0);
    evaluate(points_.front(), {}, moments.mean, moments.sd);
    for (double& sd : moments.sd) sd = std::sqrt(sd);
    list(moments, result);
    const std::size_t f = functions_.size();
    for (std::size_t s = 0; s < f; ++s) set_quantiles(result, s, [&](std::size_t) { return moments.mean[s]; });
    const double one = 1;
    for (std::size_t k = 0; k < functions_.eliminated(); ++k) {
      const auto [first, second] = points_.front().conditional(k, moments.mean[f + k], moments.sd[f + k] * moments.sd[f + k]);
      const Mixture conditional{functions_.family(k), {&one, 1}, {&first, 1}, {&second, 1}};
      set_quantiles(result, f + k, [&](std::size_t i) { return quantile(conditional, kLevels[i], kNaN); });
    }
    result.points = 1;
  }

  // Sums over points [first, last) of the grid, or over those of them at the edge.
  Level sum(const Grid& grid, std::size_t first, std::size_t last, bool edge_only) {
    const std::size_t blocks = (last - first + kBlock - 1) / kBlock;
    std::vector<Level> parts(blocks, Level(0));
    const auto n = static_cast<std::size_t>(threads_.size());
    const auto work = [&](std::size_t t) {
      std::vector<double> mean(scalars()), variance(scalars(), 0.0), q(static_cast<std::size_t>(d_));
      for (std::size_t b = t; b < blocks; b += n) {
        Level level(scalars());
        for (std::size_t i = first + b * kBlock; i < std::min(last, first + (b + 1) * kBlock); ++i) {
          const GridPoint& point = grid.points()[i];
          if (edge_only && !grid.at_edge(point)) continue;
          for (int a = 0; a < d_; ++a)
            q[static_cast<std::size_t>(a)] = grid.coordinate(a, point.index[static_cast<std::size_t>(a)]);
          evaluate(points_[t], q, mean, variance);
          const double weight = std::exp(point.log_density - grid.highest());
          level.weight += weight;
          for (std::size_t s = 0; s < mean.size(); ++s) level.sums[s].add(weight, mean[s] - centre_[s], variance[s]);
        }
        parts[b] = std::move(level);
      }
    };
    if (blocks > 1 && n > 1) {
      threads_.for_each(static_cast<int>(n), [&](int t) { work(static_cast<std::size_t>(t)); });
    } else {
      for (std::size_t t = 0; t < n; ++t) work(t);
    }
    Level total(scalars());
    for (const Level& part : parts) total += part;
    return total;
  }

  Moments moments(const Grid& grid, const Level& level, const Level& edge) const {
    Moments m;
    m.log_integral = grid.highest() + std::log(level.weight) + grid.log_cell();
    const double layer =
        1 / grid.step();  // the edge's points stand for a layer one step thick; the measure is per standard deviation
    for (std::size_t s = 0; s < level.sums.size(); ++s) {
      const Sums& x = level.sums[s];
      const double mean = x.first / level.weight, square = x.second / level.weight - mean * mean;
      const bool has_mean = edge.sums[s].absolute * layer <= kEdge * x.absolute;
      const bool has_sd = has_mean && edge.sums[s].second * layer <= kEdge * std::max(square, 0.0) * level.weight;
      m.mean.push_back(has_mean ? centre_[s] + mean : kNaN);
      m.sd.push_back(has_sd ? std::sqrt(std::max(square, 0.0)) : kNaN);
    }
    return m;
  }

  // Largest change between two levels: of the log integral, of means and deviations in deviations.
  static double change(const Moments& a, const Moments& b) {
    double error = std::fabs(b.log_integral - a.log_integral);
    for (std::size_t s = 0; s < b.mean.size(); ++s) {
      const double sd = std::isfinite(b.sd[s]) ? b.sd[s] : std::max(1.0, std::fabs(b.mean[s]));
      if (std::isfinite(b.mean[s]) && sd > 0) error = std::max(error, std::fabs(b.mean[s] - a.mean[s]) / sd);
      if (std::isfinite(b.sd[s]) && b.sd[s] > 0) error = std::max(error, std::fabs(b.sd[s] - a.sd[s]) / b.sd[s]);
    }
    return std::isnan(error) ? kInfinity : error;
  }

  Moments refine(Grid& grid, ExactResult& result) {
    Level total(scalars());
    Moments last;
    double reached = kInfinity;
    const auto stop = [&] { return run_.stop(); };
    for (int level = 0;; ++level) {
      const std::size_t before = grid.points().size();
      if (level > 0) {
        const std::size_t ahead = before << d_;
        if (ahead > options_.max_points) not_converged(reached, grid.evaluated());
        grid.halve();
      }
      if (!grid.fill(options_.max_points, stop)) {
        if (run_.stop()) run_.interrupted();
        not_converged(reached, grid.evaluated());
      }
      levels_.push_back(grid.points().size());
      total += sum(grid, before, grid.points().size(), false);
      const Moments now = moments(grid, total, sum(grid, 0, grid.points().size(), true));
      if (level > 0) {
        reached = change(last, now);
        if (reached <= options_.tolerance) {
          result.error = reached;
          return now;
        }
        refuse_step(grid);
      }
      last = now;
      run_.step({.what = "quadrature",
                 .done = static_cast<double>(level + 1),
                 .unit = "levels",
                 .note = fmt::format("{} points", grid.points().size())});
    }
  }

  // The trapezoid rule is of first order where the density ends in a step: a bound that the transform does not take away.
  void refuse_step(const Grid& grid) const {
    for (const GridPoint& point : grid.points()) {
      if (point.log_density < grid.highest() - kAbrupt || !grid.at_edge(point)) continue;
      std::vector<double> q;
      for (int a = 0; a < d_; ++a) q.push_back(grid.coordinate(a, point.index[static_cast<std::size_t>(a)]));
      infeasible_error(fmt::format(
          "the density ends in a step near unconstrained ({:.4g}), as at the bound of a transformed parameter or of a "
          "variate: quadrature does not converge there; declare the bound on the parameter, or use `sample`",
          fmt::join(q, ", ")));
    }
  }

  [[noreturn]] void not_converged(double reached, std::size_t points) const {
    const std::string error = std::isfinite(reached) ? fmt::format("error {:.2e} reached", reached) : "no second level reached";
    infeasible_error(
        fmt::format("not converged to {:.0e} with {} points: {}; a kept parameter with heavy tails on its unconstrained scale, "
                    "or an improper "
                    "posterior, has no end in this grid: `sample` takes it",
                    options_.tolerance, points, error));
  }

  void list(const Moments& moments, ExactResult& result) const {
    for (const ScalarName& scalar : functions_.order()) {
      ExactQuantity quantity;
      quantity.name = scalar.name;
      quantity.kind = scalar.kind;
      quantity.unconstrained = scalar.unconstrained;
      quantity.mean = moments.mean[scalar.place];
      quantity.sd = moments.sd[scalar.place];
      quantity.q5 = quantity.q50 = quantity.q95 = kNaN;
      result.quantities.push_back(std::move(quantity));
    }
  }

  template <class F>
  void set_quantiles(ExactResult& result, std::size_t place, const F& quantile) const {
    for (std::size_t i = 0; i < functions_.order().size(); ++i) {
      if (functions_.order()[i].place != place) continue;
      ExactQuantity& q = result.quantities[i];
      q.q5 = quantile(0);
      q.q50 = quantile(1);
      q.q95 = quantile(2);
    }
  }

  // Unconstrained coordinates from the lattice's marginals; a function of one coordinate by its value there, if it is monotone.
  void axis_quantiles(const Grid& grid, ExactResult& result) {
    const std::size_t f = functions_.size();
    std::array<double, kMaxExactDimensions> at{};
    for (int a = 0; a < d_; ++a) at[static_cast<std::size_t>(a)] = grid.coordinate(a, 0);
    for (int a = 0; a < d_; ++a) {
      const auto axis = static_cast<std::size_t>(a);
      std::int32_t low = 0, high = 0;
      for (const GridPoint& point : grid.points()) {
        low = std::min(low, point.index[axis]);
        high = std::max(high, point.index[axis]);
      }
      std::vector<double> density(static_cast<std::size_t>(high - low + 1), 0.0);
      for (const GridPoint& point : grid.points())
        density[static_cast<std::size_t>(point.index[axis] - low)] += std::exp(point.log_density - grid.highest());
      const std::size_t nodes = density.size();
      const AxisDistribution distribution(std::move(density), grid.coordinate(a, low), grid.step_along(a));
      std::array<double, 3> q{};
      for (std::size_t i = 0; i < 3; ++i) q[i] = distribution.quantile(kLevels[i]);
      set_quantiles(result, f + axis, [&](std::size_t i) { return q[i]; });
      const auto values_at = [&](double x) {
        std::vector<double> values(f);
        std::array<double, kMaxExactDimensions> to = at;
        to[axis] = x;
        points_.front().functions({to.data(), static_cast<std::size_t>(d_)}, values);
        return values;
      };
      std::vector<char> rises(f, 1), falls(f, 1);
      std::vector<double> last;
      for (std::size_t k = 0; k < nodes; ++k) {
        std::vector<double> now = values_at(grid.coordinate(a, low + static_cast<std::int32_t>(k)));
        for (std::size_t s = 0; s < f && k > 0; ++s) {
          if (!(now[s] >= last[s])) rises[s] = 0;
          if (!(now[s] <= last[s])) falls[s] = 0;
        }
        last = std::move(now);
      }
      std::array<std::vector<double>, 3> values;
      for (std::size_t i = 0; i < 3; ++i) values[i] = values_at(q[i]);
      for (std::size_t s = 0; s < f; ++s) {
        if (functions_.axes(s) != 1u << a || (!rises[s] && !falls[s])) continue;
        set_quantiles(result, s, [&](std::size_t i) { return values[rises[s] ? i : 2 - i][s]; });
      }
    }
    for (std::size_t s = 0; s < f; ++s)
      if (functions_.axes(s) == 0) set_quantiles(result, s, [&](std::size_t) { return centre_[s]; });
  }

  // Eliminated scalars from the mixtures over a level's points, each level's quantiles the next one's guess. The errors of two
  // levels are as e and e^2: where the last but one moved little, its own are beyond question, at an eighth of the last one's
  // points.
  void mixture_quantiles(const Grid& grid, ExactResult& result) {
    const std::size_t n = functions_.eliminated(), last = levels_.size() - 1;
    if (n == 0) return;
    std::vector<std::array<double, 3>> quantiles(n, {kNaN, kNaN, kNaN});
    for (std::size_t level = levels_[last] > kManyPoints && last >= 2 ? last - 1 : last; level <= last; ++level) {
      const double moved = solve_mixtures(grid, levels_[level - 1], levels_[level], result, quantiles);
      if (moved < kGuessEnough) break;
    }
    for (std::size_t k = 0; k < n; ++k)
      set_quantiles(result, first_eliminated() + k, [&](std::size_t i) { return quantiles[k][i]; });
  }

  // Quantiles over the first `points` points; guesses from the first `coarse` of them unless there are better. Returns the
  // largest move from a guess, in standard deviations. Scalars in groups whose conditionals fit into memory.
  double solve_mixtures(const Grid& grid, std::size_t coarse_points, std::size_t points, const ExactResult& result,
                        std::vector<std::array<double, 3>>& quantiles) {
    std::vector<std::size_t> chosen;
    std::vector<double> weight;
    std::size_t coarse = 0;
    for (std::size_t i = 0; i < points; ++i) {
      const double below = grid.highest() - grid.points()[i].log_density;
      if (below > kMixtureNegligible) continue;
      if (i < coarse_points) ++coarse;
      chosen.push_back(i);
      weight.push_back(std::exp(-below));
    }
    const std::size_t n = functions_.eliminated(), group = std::clamp<std::size_t>(kMixtureDoubles / (2 * chosen.size()), 1, n);
    std::vector<double> one, other;  // the conditionals' parameters, [scalar of the group][point]
    std::vector<double> moved(n, 0.0);
    for (std::size_t begin = 0; begin < n; begin += group) {
      const std::size_t count = std::min(group, n - begin);
      one.assign(count * chosen.size(), 0.0);
      other.assign(count * chosen.size(), 0.0);
      conditionals_at(grid, chosen, begin, count, one, other);
      threads_.for_each(static_cast<int>(count), [&](int k) {
        const std::size_t at = static_cast<std::size_t>(k) * chosen.size(), scalar = begin + static_cast<std::size_t>(k);
        const Mixture all{functions_.family(scalar), weight, std::span(one).subspan(at, chosen.size()),
                          std::span(other).subspan(at, chosen.size())};
        const Mixture some{all.family, all.weight.first(coarse), all.first.first(coarse), all.second.first(coarse)};
        for (std::size_t i = 0; i < 3; ++i) {
          double& q = quantiles[scalar][i];
          const double guess = std::isnan(q) ? quantile(some, kLevels[i], kNaN) : q;
          q = quantile(all, kLevels[i], guess);
          moved[scalar] = std::max(moved[scalar], std::fabs(q - guess));
        }
      });
    }
    for (std::size_t i = 0; i < functions_.order().size(); ++i) {
      const std::size_t place = functions_.order()[i].place;
      if (place < first_eliminated()) continue;
      double& m = moved[place - first_eliminated()];
      const ExactQuantity& q = result.quantities[i];
      m /= std::isfinite(q.sd) && q.sd > 0 ? q.sd : 1;
    }
    return *std::max_element(moved.begin(), moved.end());
  }

  void conditionals_at(const Grid& grid, const std::vector<std::size_t>& chosen, std::size_t begin, std::size_t count,
                       std::vector<double>& one, std::vector<double>& other) {
    const auto threads = static_cast<std::size_t>(threads_.size());
    threads_.for_each(threads_.size(), [&](int t) {
      const auto thread = static_cast<std::size_t>(t);
      std::vector<double> m(scalars()), v(scalars(), 0.0), q(static_cast<std::size_t>(d_));
      for (std::size_t i = chosen.size() * thread / threads; i < chosen.size() * (thread + 1) / threads; ++i) {
        const GridPoint& point = grid.points()[chosen[i]];
        for (int a = 0; a < d_; ++a)
          q[static_cast<std::size_t>(a)] = grid.coordinate(a, point.index[static_cast<std::size_t>(a)]);
        evaluate(points_[thread], q, m, v);
        for (std::size_t k = 0; k < count; ++k) {
          const std::size_t s = first_eliminated() + begin + k;
          std::tie(one[k * chosen.size() + i], other[k * chosen.size() + i]) = points_[thread].conditional(begin + k, m[s], v[s]);
        }
      }
    });
  }

  const ExactOptions& options_;
  cli::Run& run_;
  ExactFunctions functions_;
  int d_;
  ThreadPool threads_;
  std::vector<Engine> engines_;  // one a thread
  std::vector<PointFunctions> points_;  // one a thread
  std::vector<double> centre_;  // [scalars] values at the highest mode
  std::vector<std::size_t> levels_;  // points of each level
};

// The kept parameters with their dimensions: "sd_intercept (1), sd_slope (1), sigma (1)".
std::string kept_names(const Model& model, const Marginal& marginal) {
  std::vector<std::string> names;
  for (const int p : marginal.kept) {
    const Parameter& parameter = model.graph.parameters[static_cast<std::size_t>(p)];
    if (parameter.free_size > 0) names.push_back(fmt::format("{} ({})", parameter.name, parameter.free_size));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

ExactResult integrate(const Model& model, const Marginal& marginal, const ExactOptions& options, cli::Run& run,
                      std::span<const std::vector<double>> draws) {
  if (marginal.target.inputs.size() > static_cast<std::size_t>(kMaxExactDimensions))
    infeasible_error(fmt::format("{} dimensions are sampled, quadrature takes at most {}: {}; `sample` takes them",
                                 marginal.target.inputs.size(), kMaxExactDimensions, kept_names(model, marginal)));
  ExactResult result = Quadrature(model, marginal, options, run).run(draws);
  const PriorMass mass = prior_mass(model);
  if (!mass.flat) result.log_evidence = result.log_integral;
  if (!mass.flat && mass.log_mass) result.log_evidence_normalised = result.log_integral - *mass.log_mass;
  return result;
}

}  // namespace tenfold::hmc_marg
