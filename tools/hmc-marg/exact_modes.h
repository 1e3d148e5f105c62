// Modes of a density of a few dimensions, and how wide it is there: where the grid of `exact` begins and how fine it is.
#pragma once

#include <cstdint>
#include <vector>

#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {

struct Mode {
  std::vector<double> at;  // [d]
  double log_density = 0;
  std::vector<double> sd;  // [d] marginal: roots of the diagonal of the inverse of the negative Hessian
};

// Distinct modes found by BFGS from eight starts in U(-2, 2), the highest first; those more than `below` under it are left out.
// The Hessian is made of central differences of the gradient. Throws Error(infeasible) where no start has a finite density, or
// where the density grows without end.
std::vector<Mode> find_modes(Engine& engine, std::uint64_t seed, double below);

}  // namespace tenfold::hmc_marg
