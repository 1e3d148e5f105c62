// Which of the parameters that can be integrated out are: the set of least predicted cost (specification, 2.8). Knows no rule, no
// model.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

inline constexpr std::size_t kExhaustive = 6;  // items up to which all sets are priced

struct SearchSpace {
  std::vector<int> weight;  // [items] dimensions that each removes
  std::vector<std::pair<int, int>> conflicts;  // not taken together
  std::vector<std::pair<int, int>> needs;  // (u, v): u only with v
  std::vector<bool> required;  // [items] in every set
};

struct PricedSet {
  std::vector<bool> taken;  // [items]
  PlanCost cost;
};

// Cheaper; of equals the one that samples less, then the one that takes an earlier item.
bool better(const PricedSet& a, const PricedSet& b);

// All sets priced, cheapest first; empty if no set allowed has a finite price. Up to kExhaustive items every allowed set is
// priced. Beyond, the search starts from the set that removes most dimensions and gives back the item whose return lowers the
// cost most, until none does. `price` of a set that does not fit is infinite, and names the item to give back first as
// PlanCost::crowded.
std::vector<PricedSet> cheapest(const SearchSpace& space, const std::function<PlanCost(const std::vector<bool>& taken)>& price);

}  // namespace tenfold::hmc_marg
