// hmc-marg demo: two hierarchical models, plain and marginalised, and what that gained.
#pragma once

#include "cli/option_table.h"
#include "cli/result.h"
#include "cli/run.h"

namespace tenfold::hmc_marg {

struct DemoOptions {
  int repeats = 5;  // paired repeats, each with its own seed
};

void describe(DemoOptions& options, cli::OptionTable& table);
cli::Result demo(const DemoOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
