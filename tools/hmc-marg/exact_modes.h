// Modes of a density of a few dimensions, and how wide it is there: where the grid of `exact` begins and how fine it is.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {

struct Mode {
  std::vector<double> at;  // [d]
  double log_density = 0;
  std::vector<double> sd;  // [d] marginal: roots of the diagonal of the inverse of the negative Hessian
};

// Distinct modes, the highest first; those more than `below` under it are left out. BFGS climbs from eight points of each of five
// boxes up to U(-200, 200), from `starts` [d each], and from the maxima of the density along the axes through the modes so found.
// A mode that none of these leads to is missed. The Hessian is made of central differences of the gradient. Throws
// Error(infeasible) where no start has a finite density, or where the density grows without end.
std::vector<Mode> find_modes(Engine& engine, std::uint64_t seed, double below, std::span<const std::vector<double>> starts = {});

}  // namespace tenfold::hmc_marg
