// The operations that read whole lists: reductions over segments, and vector and matrix operations, in their scalar form.
// Constant folding, the reference gradient and the engine's general kernels use these.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hmc-marg/op.h"

namespace tenfold::hmc_marg {

// One segment of n scalars (n = 0: sum and dot 0, product 1, log_sum_exp and maximum -infinity, minimum +infinity). b: dot alone.
double segment_value(Op op, const double* a, const double* b, std::size_t n);
// Partial derivatives of the segment's output into da, db [n]; db belongs to dot alone.
// minimum and maximum give all to the first element that attains them.
void segment_partials(Op op, const double* a, const double* b, std::size_t n, double out, double* da, double* db);

// softmax, cumulative_sum: a, out [lanes]. cholesky: a, out [rows, rows]. solve_*: a [rows, rows], b, out [rows, lanes / rows].
// Matrices are column-major. A matrix that is not positive definite, or singular, gives NaN or infinity.
void whole_value(Op op, std::uint32_t lanes, std::uint32_t rows, const double* a, const double* b, double* out);
// Reverse rule: from the outputs' adjoints, overwrites (not adds) da, db with what the operands receive.
void whole_reverse(Op op, std::uint32_t lanes, std::uint32_t rows, const double* a, const double* b, const double* out,
                   const double* adjoint, double* da, double* db);

}  // namespace tenfold::hmc_marg
