// `train`: common/mtl's training, in this tool.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::mtl_attack {

cli::Subcommand train_command();

}  // namespace tenfold::mtl_attack
