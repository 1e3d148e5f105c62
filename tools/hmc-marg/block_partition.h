// Shape of the block's matrix M: independent components and a border of shared scalars, eliminated last.
#pragma once

#include "hmc-marg/block_system.h"

namespace tenfold::hmc_marg {

// The border is made of the scalars of highest degree, in the number (0 to 64) that makes elimination cheapest by operation
// count.
BlockPartition partition(int n, const RowSet& rows);

}  // namespace tenfold::hmc_marg
