// z-scores of means, standard deviations and quantiles that exceed a limit about as often as a normal variable does, also at a
// few hundred effective draws of a skewed scalar. Two corrections do that. Skewness: mean and standard error of a skewed sample
// depend on each other; Hall's transformation takes that out (Hall, "On the removal of skewness by transformation", J. R. Stat.
// Soc. B 1992). The error of the standard error: it rests on autocorrelations, and a chain holds only so many stretches that are
// independent; Student's t with a fifth of the effective sample size as degrees of freedom, which chains of order 1 confirm.
#include "hmc-marg/exact_against.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/threads.h"
#include "hmc-marg/evaluate.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/transforms.h"
#include "stats/distributions.h"
#include "stats/mcmc.h"

namespace tenfold::hmc_marg {
namespace {

struct Bounds {
  double low = -kInfinity, high = kInfinity;
};

// The bounds of one element where they are numbers. `column` is a name of the parameter's own.
std::optional<Bounds> bounds_of(const Model& model, const std::string& column) {
  for (const Parameter& p : model.graph.parameters) {
    if (p.constraint != ConstraintKind::bounded) continue;
    const Columns columns = columns_of(p.name, p.value.type, p.value.dims);
    const auto at = std::find(columns.names.begin(), columns.names.end(), column);
    if (at == columns.names.end()) continue;
    const std::size_t i = columns.place[static_cast<std::size_t>(at - columns.names.begin())];
    Bounds bounds;
    for (const auto& [value, bound] : {std::pair(&p.lower, &bounds.low), std::pair(&p.upper, &bounds.high)}) {
      if (value->size() == 0) continue;
      const std::size_t k = value->size() == 1 ? 0 : i;
      if (!value->known() && value->slot[k] != 0) return std::nullopt;
      *bound = value->number[k];
    }
    return bounds;
  }
  return std::nullopt;
}

constexpr double kQuadratureError = 1e-7;  // in standard deviations, with room: quadrature ends at 1e-9

constexpr double kEssPerDegree = 5;        // effective draws for one degree of freedom
constexpr double kLargestScore = 37;       // beyond, the normal tail underflows

// The normal variable that is as far out as a Student's t.
double normal_score(double t, double ess) {
  if (std::isnan(t) || !(ess > 0)) return kNaN;
  const double p = stats::student_t_cdf(-std::fabs(t), std::max(1.0, ess / kEssPerDegree));
  return std::copysign(p > 0 ? std::min(kLargestScore, -stats::normal_quantile(p)) : kLargestScore, t);
}

using ChainValues = std::vector<std::vector<double>>;  // [chain][draw]

template <class F>
ChainValues mapped(const ChainValues& values, const F& f) {
  ChainValues out = values;
  for (std::vector<double>& chain : out)
    for (double& x : chain) x = f(x);
  return out;
}

double mean_of(const ChainValues& values) {
  double sum = 0, n = 0;
  for (const std::vector<double>& chain : values)
    for (const double x : chain) sum += x, ++n;
  return sum / n;
}

// Of the mean of `values`, whose expectation is known.
double mean_score(const ChainValues& values, double expected) {
  if (!std::isfinite(expected)) return kNaN;
  const double ess = stats::ess_mean(stats::Draws(values));
  if (std::isnan(ess)) return kNaN;
  const double mean = mean_of(values);
  const double m2 = mean_of(mapped(values, [&](double x) { return (x - mean) * (x - mean); }));
  const double m3 = mean_of(mapped(values, [&](double x) { return (x - mean) * (x - mean) * (x - mean); }));
  const double t = (mean - expected) / std::sqrt(m2 / ess), a = m3 / std::pow(m2, 1.5) / std::sqrt(ess);
  return normal_score(t + a / 3 * t * t + a * a / 27 * t * t * t + a / 6, ess);
}

// Of the part of the draws at or below an exact quantile, whose expectation is p and whose variance p (1 - p) / ESS. The
// indicator's own ESS; where all draws lie on one side it has none, and that of the ranks stands in.
double quantile_score(const ChainValues& values, double quantile, double p) {
  if (!std::isfinite(quantile)) return kNaN;
  const ChainValues below = mapped(values, [&](double x) { return x <= quantile ? 1.0 : 0.0; });
  double ess = stats::ess_mean(stats::Draws(below));
  if (std::isnan(ess)) ess = stats::ess_bulk(stats::Draws(values));
  return normal_score((mean_of(below) - p) / std::sqrt(p * (1 - p) / ess), ess);
}

Grade grade_column(const ExactQuantity& exact, const ChainValues& values) {
  Grade g;
  g.mean = mean_score(values, exact.mean);
  if (exact.sd > 0)
    g.sd = mean_score(mapped(values, [&](double x) { return (x - exact.mean) * (x - exact.mean); }), exact.sd * exact.sd);
  g.q5 = quantile_score(values, exact.q5, 0.05);
  g.q50 = quantile_score(values, exact.q50, 0.5);
  g.q95 = quantile_score(values, exact.q95, 0.95);
  return g;
}

}  // namespace

std::vector<Grade> grade(const Model& model, const ExactResult& exact, const ChainDraws& draws, int threads,
                         const ConditionalMeans& conditional_means) {
  std::vector<Grade> grades(exact.quantities.size());
  parallel_for(static_cast<int>(grades.size()), threads, [&](int i) {
    const auto at = static_cast<std::size_t>(i);
    const ExactQuantity& quantity = exact.quantities[at];
    const auto column = std::find(draws.names.begin(), draws.names.end(), quantity.name);
    if (column == draws.names.end()) return;
    std::vector<std::vector<double>> values = draws.column(static_cast<std::size_t>(column - draws.names.begin()));
    if (quantity.unconstrained) {
      const std::optional<Bounds> bounds = bounds_of(model, quantity.name);
      if (!bounds) return;
      for (std::vector<double>& chain : values)
        for (double& x : chain) x = free_bounded(x, bounds->low, bounds->high);
    }
    grades[at] = grade_column(quantity, values);
    const auto conditional = conditional_means.find(quantity.name);
    if (conditional != conditional_means.end() && !quantity.unconstrained)
      grades[at].rb_mean = normal_score(
          (conditional->second.mean - quantity.mean) / std::hypot(conditional->second.mcse, kQuadratureError * quantity.sd),
          stats::ess_mean(stats::Draws(values)));
  });
  return grades;
}

std::vector<std::vector<double>> free_draws(const Model& model, const Marginal& marginal, const ChainDraws& draws,
                                            std::size_t most) {
  const FactorGraph& graph = model.graph;
  std::vector<Value> values;
  std::vector<std::pair<double*, std::size_t>> places;  // a scalar and its column
  for (const Parameter& p : graph.parameters) {
    Value value{.type = p.type, .dims = p.dims, .number = std::vector<double>(p.value.size()), .slot = {}};
    const Columns columns = columns_of(p.name, p.value.type, p.value.dims);
    for (std::size_t c = 0; c < columns.names.size(); ++c) {
      const auto at = std::find(draws.names.begin(), draws.names.end(), columns.names[c]);
      if (at == draws.names.end()) return {};
      places.emplace_back(value.number.data() + columns.place[c], static_cast<std::size_t>(at - draws.names.begin()));
    }
    values.push_back(std::move(value));  // its numbers stay where they are
  }
  const std::size_t rows = draws.rows(), all = rows * draws.chains.size(), wanted = std::min(all, most);
  std::vector<double> free(static_cast<std::size_t>(graph.free_size));
  std::vector<std::vector<double>> out;
  for (std::size_t k = 0; k < wanted; ++k) {
    const std::size_t draw = k * all / wanted;
    const double* const row = draws.chains[draw / rows].data() + draw % rows * draws.names.size();
    for (const auto& [scalar, column] : places) *scalar = row[column];
    try {
      unconstrain(graph, values, free);
    } catch (const Error&) {
      continue;
    }
    std::vector<double> kept;
    for (const int i : marginal.kept) {
      const Parameter& p = graph.parameters[static_cast<std::size_t>(i)];
      for (std::uint32_t j = 0; j < p.free_size; ++j) kept.push_back(free[static_cast<std::size_t>(p.free_index) + j]);
    }
    out.push_back(std::move(kept));
  }
  return out;
}

Verdict judge(const ExactResult& exact, const std::vector<Grade>& grades) {
  Verdict v;
  for (std::size_t i = 0; i < grades.size(); ++i) {
    const Grade& g = grades[i];
    for (const auto& [what, z] :
         {std::pair("mean", g.mean), std::pair("Rao-Blackwell mean", g.rb_mean), std::pair("sd", g.sd),
          std::pair("5 % quantile", g.q5), std::pair("median", g.q50), std::pair("95 % quantile", g.q95)}) {
      if (!std::isfinite(z)) continue;
      ++v.compared;
      if (std::fabs(z) <= v.max_abs_z) continue;
      v.max_abs_z = std::fabs(z);
      v.worst =
          std::string(what) + " of " + exact.quantities[i].name + (exact.quantities[i].unconstrained ? ", unconstrained" : "");
    }
  }
  v.limit = v.compared == 0 ? kNaN : -stats::normal_quantile(0.025 / v.compared);
  v.difference_shown = v.max_abs_z > v.limit;
  return v;
}

}  // namespace tenfold::hmc_marg
