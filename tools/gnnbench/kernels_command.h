// gnnbench kernels: how fast the kernels are here, and how far from what the memory gives.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand kernels_command();

}  // namespace tenfold::gnnbench
