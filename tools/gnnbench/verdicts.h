// What a comparison's numbers allow to be said: sentences, and how the source's published claims fare here.
#pragma once

#include <string>
#include <vector>

#include "gnnbench/comparison.h"

namespace tenfold::gnnbench {

// In the order in which they are read: who was first, full-graph against mini-batch, accuracies, what missed the target, what had
// not converged, who did not beat the baselines, what failed or was left out.
std::vector<std::string> verdicts(const Comparison& comparison);

enum class ClaimVerdict : std::uint8_t { holds, no_difference, does_not_hold };
const char* name_of(ClaimVerdict verdict);  // "holds", "no difference shown", "does not hold"

// Claims of Bajaj et al. (arXiv 2406.00552) and of the systems' papers that the runs at hand can speak to. A claim of order holds
// where its ratio's interval lies on the claimed side of 1. A claim that two accuracies are within m points of each other holds
// where the whole interval of their difference does, and fails where none of it does.
struct Claim {
  std::string claim;
  std::string published;
  ClaimVerdict verdict = ClaimVerdict::no_difference;
  std::string evidence;
};
std::vector<Claim> published_claims(const Comparison& comparison);

}  // namespace tenfold::gnnbench
