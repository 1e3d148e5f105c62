// hmc-marg verify: checks of the elimination on the user's own model.
#pragma once

#include <string>

#include "cli/option_table.h"
#include "cli/result.h"
#include "cli/run.h"
#include "hmc-marg/options.h"

namespace tenfold::hmc_marg {

struct VerifyOptions {
  ModelOptions model;
  PlanOptions plan;
  int points = 64;
  std::string oracle = "auto";
};

void describe(VerifyOptions& options, cli::OptionTable& table);
cli::Result verify(const VerifyOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
