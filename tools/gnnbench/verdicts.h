// What a comparison's numbers allow to be said: sentences, and how the source's published claims fare here.
#pragma once

#include <string>
#include <vector>

#include "gnnbench/comparison.h"

namespace tenfold::gnnbench {

// In the order in which they are read: who was first, as far as pairs of systems show it, or that the target says nothing;
// imported curves, which are not ranked; full-graph against mini-batch, accuracies, what missed the target, what had not
// converged, who did not beat the baselines, what failed or was left out.
std::vector<std::string> verdicts(const Comparison& comparison);

// Pairs of our own systems, each compared at the 95 % level.
std::size_t own_pairs(const Comparison& comparison);

enum class ClaimVerdict : std::uint8_t { holds, no_difference, does_not_hold, shown_within, shown_apart, not_shown };
const char* name_of(ClaimVerdict verdict);  // "holds", "no difference shown", ...

// Claims of Bajaj et al. (arXiv 2406.00552) and of the systems' papers that the runs at hand can speak to. A claim of order holds
// where its ratio's interval lies on the claimed side of 1, and is not shown where there is no ratio. A claim that two accuracies
// are within m points of each other is one of equivalence: shown within where the whole interval of their difference is, shown
// apart where none of it is, else not shown.
struct Claim {
  std::string claim;
  std::string published;
  ClaimVerdict verdict = ClaimVerdict::not_shown;
  std::string evidence;
};
std::vector<Claim> published_claims(const Comparison& comparison);

}  // namespace tenfold::gnnbench
