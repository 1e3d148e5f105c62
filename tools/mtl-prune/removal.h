// Takes the units a plan drops out of the network: sorted keep lists, one index_select a parameter and dimension; groups,
// num_groups, slice bounds and shape constants patched. Exact for any activation, since the consumers' columns go with the
// channel.
#pragma once

#include <map>
#include <vector>

#include "mtl-prune/plan.h"
#include "mtl-prune/units.h"
#include "mtl/model.h"

namespace tenfold::mtl_prune {

// Fills plan.patches. Throws Error input where the plan is of other weights (both hashes) or breaks a balance or lock.
mtl::Model remove_units(const mtl::Model& model, const Units& units, Plan& plan);

// For the certificate: per consumer node, 0 for the channels it reads of dropped units and 1 else, [C of its first input].
std::map<int, std::vector<float>> read_masks(const mtl::Model& model, const std::vector<mtl::Shape>& shapes, const Units& units,
                                             const Plan& plan);

}  // namespace tenfold::mtl_prune
