// gnnbench data sample: what a sampler draws, as JSON lines, to be compared with other programs.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand data_sample_command();

}  // namespace tenfold::gnnbench
