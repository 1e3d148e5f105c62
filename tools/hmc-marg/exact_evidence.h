// What the priors of a program integrate to: whether its evidence is one, and by how much it is short of a normalised program's.
#pragma once

#include <optional>

#include "hmc-marg/model.h"

namespace tenfold::hmc_marg {

struct PriorMass {
  bool flat = false;               // a parameter without bounds on both sides has no prior: the evidence has no meaning
  std::optional<double> log_mass;  // log of the integral of all priors over the declared bounds; empty where parameters decide
                                   // it, or where a prior is none that is known (not a density of the bare parameter)
};
PriorMass prior_mass(const Model& model);

}  // namespace tenfold::hmc_marg
