// The plan of `exact`: quadrature counts dimensions, not nanoseconds, so where the cheapest set leaves too many the largest is
// taken.
#pragma once

#include "cli/run.h"
#include "hmc-marg/model.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

// choose_plan(); with options that leave the set open (--marginalize auto, no --plan) and more than kMaxExactDimensions left, the
// set that removes most, with a note; --keep and --require hold in any case. Throws what choose_plan() throws; Error(infeasible)
// where other options leave too many and --marginalize all would not.
Marginal exact_plan(Model& model, const PlanOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
