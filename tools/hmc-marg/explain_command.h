// hmc-marg explain: what is integrated out, what not, and why.
#pragma once

#include "cli/option_table.h"
#include "cli/result.h"
#include "cli/run.h"
#include "hmc-marg/options.h"

namespace tenfold::hmc_marg {

struct ExplainOptions {
  ModelOptions model;
  PlanOptions plan;
};

void describe(ExplainOptions& options, cli::OptionTable& table);
cli::Result explain(const ExplainOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
