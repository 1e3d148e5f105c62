// Nanoseconds that a Gaussian block of given rows and partition takes, as the kernels of block_kernels.h would do it.
#pragma once

#include <set>
#include <vector>

#include "hmc-marg/block_partition.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

// Rows alike.
struct PricedRows {
  double count = 0;
  double parts = 0;  // products that each is made of, its intercept's included
  Slot scale = 0;  // 0: known
  std::set<Slot> kept;  // scalars of the intercept
};

// rows[k]: of block.rows[k], whose terms are the scalars it meets. The term's count is of multiply-adds.
CostTerm block_cost(const BlockPartition& shape, const RowSet& block, const std::vector<PricedRows>& rows);

}  // namespace tenfold::hmc_marg
