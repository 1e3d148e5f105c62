// gnnbench import-curve: another program's curves beside a comparison's.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand import_curve_command();

}  // namespace tenfold::gnnbench
