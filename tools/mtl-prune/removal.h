// Takes the units that a plan drops out of the network: sorted keep lists, one selection a parameter and dimension; groups,
// num_groups, slice bounds and shape constants patched. Exact for any activation, since the consumers' columns go with the
// channel.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mtl-prune/plan.h"
#include "mtl-prune/units.h"
#include "mtl/model.h"

namespace tenfold::mtl_prune {

// Fills plan.patches. Throws Error input where the plan is of other weights (both hashes), of other sets, or breaks a balance, a
// lock, or leaves a tensor without channels.
mtl::Model remove_units(const mtl::Model& model, const Units& units, Plan& plan);

// What stays of every dimension of a parameter, for tensors that go along with weights (an optimiser's moments):
// indices that stay by (parameter, dim), only where some go; virtual ones for groups > 1.
struct KeptIndices {
  const Dimension* dimension = nullptr;
  std::vector<std::int64_t> keep;
};
std::vector<KeptIndices> kept_indices(const Units& units, const Plan& plan);
// The same on one tensor shaped like the parameter.
mtl::Tensor keep_of(const mtl::Tensor& tensor, const std::string& parameter, const std::vector<KeptIndices>& kept);

// For the certificate: per consumer node 0 for the channels it reads of dropped units and 1 else, along the channel dimension of
// its first input ([C]); only consumers that read a dropped unit.
std::map<int, std::vector<float>> read_masks(const mtl::Model& model, const Units& units, const Plan& plan);

}  // namespace tenfold::mtl_prune
