// z-scores of means, standard deviations and quantiles.
#include "hmc-marg/exact_against.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/threads.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/special_functions.h"
#include "hmc-marg/transforms.h"
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

double z_score(double estimate, double exact, double error) { return error > 0 ? (estimate - exact) / error : kNaN; }

Grade grade_column(const ExactQuantity& exact, const std::vector<std::vector<double>>& values) {
  const stats::Draws draws(values);
  const stats::McmcSummary figures = stats::summarize(draws);
  Grade g;
  g.mean = z_score(figures.mean, exact.mean, figures.mcse_mean);
  g.sd = z_score(figures.sd, exact.sd, figures.mcse_sd);
  g.q5 = z_score(figures.q5, exact.q5, stats::mcse_quantile(draws, 0.05));
  g.q50 = z_score(figures.q50, exact.q50, stats::mcse_quantile(draws, 0.5));
  g.q95 = z_score(figures.q95, exact.q95, stats::mcse_quantile(draws, 0.95));
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
      grades[at].rb_mean =
          z_score(conditional->second.mean, quantity.mean, std::hypot(conditional->second.mcse, kQuadratureError * quantity.sd));
  });
  return grades;
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
  v.limit = v.compared == 0 ? kNaN : -standard_normal_quantile(0.025 / v.compared);
  v.difference_shown = v.max_abs_z > v.limit;
  return v;
}

}  // namespace tenfold::hmc_marg
