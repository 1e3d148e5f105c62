// Which declared parameters may be integrated out, and for each that may not, why, with the source line (specification, 2.5).
#pragma once

#include <string>
#include <vector>

#include "hmc-marg/affine_classes.h"

namespace tenfold::hmc_marg {

struct Ineligible {
  std::string reason;  // as PlanEntry::reason; "" : eligible
  std::string detail;
  std::vector<int> lines;
};

struct Eligibility {
  std::vector<Ineligible> why;        // [parameters]
  std::vector<std::vector<int>> lines;  // [parameters] source lines of the normal densities that it enters, ascending
  std::vector<Bilinear> conflicts;    // pairs that must not be eliminated together: their product reaches a factor
  std::vector<std::pair<int, int>> needs;  // (u, v): u may be eliminated only if v is (u is v's offset)
};

bool declared_unbounded(const Parameter& parameter);  // real, without bounds; offset and multiplier are allowed

// `dependencies` were made with candidate[p] = declared_unbounded(parameter p).
Eligibility find_eligible(const FactorGraph& model, const Dependencies& dependencies);

}  // namespace tenfold::hmc_marg
