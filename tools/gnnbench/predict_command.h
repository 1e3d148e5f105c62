// gnnbench predict: classes and probabilities of all nodes by a trained model.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand predict_command();

}  // namespace tenfold::gnnbench
