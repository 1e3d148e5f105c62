// The factors that touch the eliminated parameters, as rows of a linear-Gaussian system.
#pragma once

#include "hmc-marg/block_system.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

// Makes the block for the parameters in `eliminated` (indices, ascending; conflict-free), and splits the target: densities, terms
// and constant of what is left go to `target`, including -N log scale of the rows; eliminated Jacobians and Z-free duplicates do
// not. Where the shape does not fit, system->partition.stuck is not empty and `target` is void.
std::shared_ptr<BlockSystem> make_block(FactorGraph& model, const std::vector<int>& eliminated, bool compress,
                                        TargetSpec& target);

}  // namespace tenfold::hmc_marg
