// hmc-marg demo: hierarchical models as they stand, non-centred and integrated out by plan; what that gained, and how far the
// draws are from the exact posterior.
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
