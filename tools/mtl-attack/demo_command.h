// `demo`: the rules side by side on the network inside the program.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::mtl_attack {

cli::Subcommand demo_command();

}  // namespace tenfold::mtl_attack
