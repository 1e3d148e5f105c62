// Rao-Blackwell summaries: moments of an eliminated scalar z from its conditionals at the kept draws theta_s, not from the draws
// of z (specification, 2.9; Gelfand and Smith, "Sampling-based approaches to calculating marginal densities", JASA 1990).
//
// By total expectation and variance, E z = E E[z | theta] and Var z = E Var[z | theta] + Var E[z | theta], so that
//   mean = mean_s E[z | theta_s],  sd^2 = mean_s Var[z | theta_s] + Var_s E[z | theta_s],
// and what the draw of z given theta_s adds to the Monte Carlo error of the plain mean is gone. The quantiles are those of the
// mixture of all conditionals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hmc-marg/model.h"
#include "hmc-marg/plan.h"
#include "hmc-marg/sampler.h"
#include "hmc-marg/summary.h"

namespace tenfold::hmc_marg {

enum class RaoBlackwell : std::uint8_t { off, on, quantiles };

struct RaoBlackwellSummary {
  std::vector<ConditionalFigures> figures;  // one an eliminated column, in the chain file's order
  bool stored = true;    // false: too many values to keep; mcse from batch means, no quantiles
  std::vector<std::string> infinite;  // columns whose conditional has no finite mean or variance at some draws
  double cpu_s = 0;      // of all threads
};

// From the kept parameters' columns of `output`, whatever was thinned away; so a run that was interrupted, and any number of
// threads, give the same bits. quantiles: costs some ten evaluations of a mixture of as many components as there are rows.
// max_stored: eliminated scalars times rows of all chains beyond which conditional means are not kept.
RaoBlackwellSummary rao_blackwell(const Model& model, const Marginal& marginal, const SamplerOutput& output, bool quantiles,
                                  int threads, double max_stored = 2e7);

// Puts them into the rows of kind "eliminated", which must be as many and in the same order.
void attach(const RaoBlackwellSummary& summary, std::vector<SummaryRow>& rows);

}  // namespace tenfold::hmc_marg
