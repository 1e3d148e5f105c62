// gnnbench data convert and data split: any input as a .gnnb folder.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand data_convert_command();
cli::Subcommand data_split_command();

}  // namespace tenfold::gnnbench
