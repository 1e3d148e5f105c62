// A run without directory and interruption: for what a subcommand's inner functions ask of it.
#pragma once

#include "cli/test_run.h"

namespace tenfold::hmc_marg::testing {

using QuietRun = tenfold::test::TestRun;

}  // namespace tenfold::hmc_marg::testing
