// The target taken apart: densities that enter with coefficient +1 are factors, the rest are terms, what is known is a number.
#pragma once

#include "hmc-marg/factor_graph.h"
#include "hmc-marg/interpret.h"

namespace tenfold::hmc_marg {

// Fills factors, terms, constant and lp_offset of `model` from what the program added to its target: one sweep over the
// graph from the last slot to the first, which carries coefficients through +, -, sums and products with numbers. A density
// lane that arrives k times (equal statements share a node) makes its node k factors.
void flatten_target(const Target& target, FactorGraph& model);

}  // namespace tenfold::hmc_marg
