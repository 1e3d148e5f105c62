// The subcommands of mtl-prune: each a function from its options to a job behind the seam, and its report.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::mtl_prune {

cli::Subcommand inspect_command();
cli::Subcommand score_command();
cli::Subcommand prune_command();
cli::Subcommand apply_command();
cli::Subcommand verify_command();
cli::Subcommand latency_command();
cli::Subcommand train_command();
cli::Subcommand iterate_command();
cli::Subcommand retrain_command();
cli::Subcommand demo_command();

}  // namespace tenfold::mtl_prune
