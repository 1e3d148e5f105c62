// The conflict-free set of parameters that removes most dimensions.
#pragma once

#include <utility>
#include <vector>

namespace tenfold::hmc_marg {

// weight[i] > 0: dimensions that item i removes. conflicts: pairs not taken together. needs (u, v): u only with v.
// Exact where at most 20 items are in some pair, else greedy by weight. Ties go to the items that come first.
std::vector<bool> largest_compatible(const std::vector<int>& weight, const std::vector<std::pair<int, int>>& conflicts,
                                     const std::vector<std::pair<int, int>>& needs);

}  // namespace tenfold::hmc_marg
