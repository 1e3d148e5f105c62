// Compression of rows with known coefficients: many rows over few scalars become the triangular factor of a QR, once, when the
// block is built. r_k ~ N(0, s^2) for k in a group with rows [A | K | const] and one scale s: only A'A, A'K, ... enter the
// density, and these are kept by Q'.
#pragma once

#include "hmc-marg/affine_forms.h"
#include "hmc-marg/block_system.h"

namespace tenfold::hmc_marg {

inline constexpr std::size_t kMaxCompressedAtoms = 16;

// Rows of equal scale and equal columns (z, ref), with at most 16 kept scalars entering the intercept with known coefficients,
// become at most columns + kept + 1 rows. The first row of a group stands for all its normalisers. Rows without any z left are
// merged across groups. Intercepts of the other rows with at most 4 kept scalars are written out in them, which spares the engine
// their sums. `rows` have known_scale 1.
RowSet compress(const Graph& graph, const GivenSlots& given, const RowSet& rows);

}  // namespace tenfold::hmc_marg
