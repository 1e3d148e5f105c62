// Which declared parameters may be integrated out, and for each that may not, why, with the source line (specification, 2.5).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hmc-marg/affine_classes.h"
#include "hmc-marg/conjugate.h"

namespace tenfold::hmc_marg {

struct Ineligible {
  std::string reason;  // as PlanEntry::reason; "" : eligible
  std::string detail;
  std::vector<int> lines;
};

// Two parameters that must not be eliminated together.
struct Conflict : Bilinear {
  bool same_factor = false;  // a parameter of a family and another candidate enter one factor; else their product reaches one
};

struct Eligibility {
  std::vector<Ineligible> why;        // [parameters]
  std::vector<std::string>
      rule;      // [parameters] "gaussian", "gamma", "inv_gamma", "beta", "dirichlet"; "" where why says otherwise
  std::vector<std::shared_ptr<const FamilyPlate>> plate;  // [parameters] of the four families, else null
  std::vector<std::vector<int>> lines;  // [parameters] source lines of the densities that let it be eliminated, ascending
  std::vector<Conflict> conflicts;    // pairs that must not be eliminated together
  std::vector<std::pair<int, int>> needs;  // (u, v): u may be eliminated only if v is (u is v's offset)
};

bool declared_unbounded(const Parameter& parameter);  // real, without bounds; offset and multiplier are allowed

// `dependencies` were made with candidate[p] = declared_unbounded(parameter p).
Eligibility find_eligible(const FactorGraph& model, const Dependencies& dependencies);

}  // namespace tenfold::hmc_marg
