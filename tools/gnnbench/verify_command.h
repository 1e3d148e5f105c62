// gnnbench verify: the identities that training rests on, on the user's own graph.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand verify_command();

}  // namespace tenfold::gnnbench
