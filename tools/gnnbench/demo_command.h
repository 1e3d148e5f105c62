// gnnbench demo: a comparison on a generated graph.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand demo_command();

}  // namespace tenfold::gnnbench
