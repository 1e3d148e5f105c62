// Charts of a run: traces and ranks of the columns that mix worst, and the energies.
#pragma once

#include <span>
#include <vector>

#include "hmc-marg/sampler.h"
#include "hmc-marg/summary.h"
#include "report/chart.h"

namespace tenfold::hmc_marg {

std::vector<report::Chart> sample_charts(const SamplerOutput& output, std::span<const SummaryRow> rows);

}  // namespace tenfold::hmc_marg
