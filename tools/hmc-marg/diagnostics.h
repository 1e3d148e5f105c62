// What a run's figures say about whether to trust it, in sentences.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "hmc-marg/sampler.h"
#include "hmc-marg/summary.h"

namespace tenfold::hmc_marg {

struct MinEss {
  double value = 0;
  std::string name;
};
// The smallest bulk ESS over lp__, sampled and eliminated columns. Columns without one (constant) are passed over.
MinEss min_ess(std::span<const SummaryRow> rows);

// Rows without recovered values or generated quantities, divergences, depth hits, E-BFMI < 0.3, R-hat > 1.01, ESS < 100 a chain:
// one sentence each with what to do. Empty: nothing to say.
std::vector<std::string> diagnose(const SamplerOutput& output, const SamplerOptions& options, std::span<const SummaryRow> rows);

}  // namespace tenfold::hmc_marg
