// gnnbench compare: several systems on one graph, by time to accuracy.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand compare_command();

}  // namespace tenfold::gnnbench
