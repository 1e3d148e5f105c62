// Constraining transforms: unconstrained scalars to a constrained value, the logarithm of the Jacobian determinant, and back.
// Formulas: Stan Reference Manual, "Constraint Transforms"; the simplex is the isometric log-ratio of recent Stan.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hmc-marg/ast.h"
#include "hmc-marg/factor_graph.h"
#include "hmc-marg/value.h"

namespace tenfold::hmc_marg {

// One element of an array of constrained values: its scalars and its unconstrained scalars.
struct ElementSize {
  std::size_t constrained = 0;
  std::size_t free = 0;
};
// dims: of the vector or matrix, without array sizes. A simplex of 0 and the like have no free scalars.
ElementSize element_size(ConstraintKind constraint, std::span<const int> dims);

// Fills free_*, value and log_jacobian of a parameter whose type, dims, constraint and bounds are set.
// free_index becomes `offset`. Bounds may depend on parameters declared before.
void constrain(Graph& graph, Parameter& parameter, int offset);

// What keeps `x` (one element, column-major) out of the constraint, in words, or nullopt. Tolerance 1e-8, as in Stan.
// bounded and affine are not looked at: see bound_fault.
std::optional<std::string> constraint_fault(ConstraintKind constraint, std::span<const double> x, std::span<const int> dims);
std::optional<std::string> bound_fault(double x, double lower, double upper);

// Inverse transform of one element. Throws nothing; x must satisfy the constraint.
void free_element(ConstraintKind constraint, std::span<const double> x, std::span<const int> dims, std::span<double> free);
double free_bounded(double x, double lower, double upper);  // infinite bounds are none

}  // namespace tenfold::hmc_marg
