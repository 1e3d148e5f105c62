// `run`: attacks a network's images, cell by cell.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::mtl_attack {

cli::Subcommand run_command();

}  // namespace tenfold::mtl_attack
