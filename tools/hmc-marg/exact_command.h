// hmc-marg exact: moments, quantiles and evidence by quadrature, and the grade of a run.
#pragma once

#include <string>

#include "cli/option_table.h"
#include "cli/result.h"
#include "cli/run.h"
#include "hmc-marg/options.h"

namespace tenfold::hmc_marg {

struct ExactCommandOptions {
  ModelOptions model;
  PlanOptions plan;
  std::string against;  // the folder of a run, or empty
};

void describe(ExactCommandOptions& options, cli::OptionTable& table);
cli::Result exact(const ExactCommandOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
