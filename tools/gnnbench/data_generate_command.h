// gnnbench data generate: graphs made by rule, as a .gnnb folder.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand data_generate_command();

}  // namespace tenfold::gnnbench
