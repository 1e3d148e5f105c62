// `transfer`: whether images made against one network, or one task, harm others.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::mtl_attack {

cli::Subcommand transfer_command();

}  // namespace tenfold::mtl_attack
