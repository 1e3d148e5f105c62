// gnnbench data info: what a graph holds.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand data_info_command();

}  // namespace tenfold::gnnbench
