// Plates of conjugate families as the planner sees them, before anything is built.
#pragma once

#include "hmc-marg/conjugate.h"

namespace tenfold::hmc_marg {

// Nanoseconds predicted for the marginal of a plate that is integrated out. Children whose numbers are known are folded when the
// plate is built and cost nothing; so do elements that are alike.
double family_ns(const FactorGraph& model, const FamilyPlate& plate);

// Whether an element's prior has an argument that depends on parameters: sampled, the plate's spread would follow it.
bool prior_varies(const FactorGraph& model, const FamilyPlate& plate);

}  // namespace tenfold::hmc_marg
