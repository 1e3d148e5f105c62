// gnnbench verify: the identities that training rests on, on the user's own graph.
#pragma once

#include <vector>

#include "cli/subcommand.h"
#include "gnnbench/verify.h"

namespace tenfold::gnnbench {

cli::Subcommand verify_command();

// The answer about `whole`, of which `verified` (all or a neighbourhood) was checked: exit code 1 where a check does not hold.
cli::Result verify_result(const Dataset& whole, const Dataset& verified, const std::vector<int>& workers,
                          const std::vector<Check>& checks);

}  // namespace tenfold::gnnbench
