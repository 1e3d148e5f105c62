// The plan asked for, then the largest set.
#include "hmc-marg/exact_plan.h"

#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "hmc-marg/exact_grid.h"
#include "hmc-marg/plan_race.h"

namespace tenfold::hmc_marg {

Marginal exact_plan(Model& model, const PlanOptions& options, cli::Run& run) {
  const FactorGraph declared = model.graph;  // a non-centred form rewrites it
  Marginal marginal = choose_plan(model, options, run);
  const std::size_t left = marginal.target.inputs.size();
  if (left <= kMaxExactDimensions || options.marginalize == "all") return marginal;
  const bool open = options.marginalize == "auto" && options.plan == "auto";
  PlanOptions most = options;
  most.marginalize = "all";
  most.plan = "auto";
  FactorGraph chosen = std::exchange(model.graph, declared);
  Marginal largest = marginalize(model.graph, most);
  const std::size_t fewest = largest.target.inputs.size();
  if (fewest > kMaxExactDimensions) {
    model.graph = std::move(chosen);
    return marginal;
  }
  if (!open)
    infeasible_error(fmt::format("{} dimensions are sampled, quadrature takes at most {}; --marginalize all leaves {}", left,
                                 kMaxExactDimensions, fewest));
  run.note(fmt::format(
      "the cheapest plan samples {} dimensions, quadrature takes at most {}: this is --marginalize all, which leaves {}", left,
      kMaxExactDimensions, fewest));
  return largest;
}

}  // namespace tenfold::hmc_marg
