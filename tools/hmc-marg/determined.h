// Whether the rows of a Gaussian block determine its scalars, or leave a direction in which the density is flat: an improper
// posterior.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

// Part of a column's norm that must be left once the columns before it are taken out: less is rounding.
inline constexpr double kSingular = 1e-10;
// The block's matrix holds squares: below this its pivots have few digits, if any.
inline constexpr double kSingularInSquares = 1e-6;

// Whitened scalars have a proper prior, and the matrix is at least 1 in each: it is singular exactly where the rows' columns of
// the flat scalars depend on each other. Tested by orthogonal rotations, which square nothing, at `points` values of the kept
// parameters from U(-2, 2); a column counts only if it depends at all of them where it is finite.
struct Undetermined {
  std::string name;    // as it is written in the program: u[3]
  bool alone = false;  // no normal density mentions it at all
};
std::optional<Undetermined> undetermined(const FactorGraph& model, const Marginal& marginal, std::uint64_t seed,
                                         double least = kSingular, int points = 4);

// What is wrong, and what to do.
std::string message(const Undetermined& scalar);

}  // namespace tenfold::hmc_marg
