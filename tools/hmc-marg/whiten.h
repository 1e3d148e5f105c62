// Whitening: a scalar with a prior z ~ N(location, scale^2) is replaced by e ~ N(0, 1) with z = location + scale * e, so that no
// 1 / scale^2 appears and a funnel's neck is as well conditioned as its mouth (specification, 2.6.2).
#pragma once

#include "hmc-marg/block_system.h"

namespace tenfold::hmc_marg {

inline constexpr std::size_t kMaxSubstitution = 3;  // scalars e that one z may stand for

// Chooses system.prior and system.order from `rows` (all normal-like rows in z, in source order; system.value and
// system.parameter are set): for each scalar the first row whose variate is that scalar alone, unless its location refers to the
// same parameter, or to too many others. A cycle leaves its last member centred. Rows taken as priors go to system.priors; the
// others are returned, their known scales divided out and the logs of these, with all other known parts of the log density, added
// to system.constant. Rows of one number `together` must all have been taken: where system.priors lacks some of them, the result
// is void, and their factors are to be given as ordinary rows.
RowSet take_priors(const RowSet& rows, BlockSystem& system);

// Rows in z -> rows in e, by substitution of the priors. Appends product nodes to the graph where both coefficients are unknown.
RowSet substitute(Graph& graph, const RowSet& rows, const BlockSystem& system);

}  // namespace tenfold::hmc_marg
