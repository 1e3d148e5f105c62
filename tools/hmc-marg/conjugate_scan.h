// Recognition: is a bounded parameter a plate of a conjugate family, and if not, why (specification, 2.7).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hmc-marg/affine_classes.h"
#include "hmc-marg/conjugate.h"

namespace tenfold::hmc_marg {

// lower=0 alone, lower=0 with upper=1, or a simplex: the bounds that a family needs.
bool declared_for_family(const Parameter& parameter);

struct FamilyFinding {
  std::shared_ptr<const FamilyPlate> plate;  // null: refused
  std::string reason;                        // as PlanEntry::reason: family | bounds | scale_of | leftover_target | tp_bound
  std::string detail;                        // continues "`name` "
  int line = 0;
  std::vector<Bilinear> meetings;            // (this, another candidate) in one factor
};

// families: dependencies on the parameters that are declared_for_family; block: on those declared without bounds.
FamilyFinding find_family(const FactorGraph& model, const Dependencies& families, const Dependencies& block, int parameter);

}  // namespace tenfold::hmc_marg
