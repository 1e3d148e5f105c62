// A dirichlet statement, remembered: what it adds to the target is a sum like any other, in which the prior could no longer be
// told from the counts of its children.
#pragma once

#include <vector>

#include "hmc-marg/value.h"

namespace tenfold::hmc_marg {

struct DirichletPrior {
  Slot kernel = 0;  // sum of (alpha - 1) log x; 0: none, all alpha are 1
  Value variate;    // [K, columns] column-major: vectors of K side by side
  Value alpha;      // [K, columns], too
  int line = 0;
};

}  // namespace tenfold::hmc_marg
