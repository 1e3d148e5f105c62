// A plan read back from plan.json, as a run directory holds it: which parameters are integrated out, which sampled, which of
// these as epsilon.
#pragma once

#include <string>

#include "hmc-marg/factor_graph.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

// `options` whose marginalize and reparam say what the file options.plan says; its other wishes stay. Throws Error(input), naming
// the file and the place: not a plan; a parameter that the program does not have, or one of the program's that the plan does not
// name; one named twice.
PlanOptions read_plan(const FactorGraph& model, const PlanOptions& options);

}  // namespace tenfold::hmc_marg
