// Label propagation as a run: one point, reached after its fifty steps.
#pragma once

#include "cli/run.h"
#include "gnnbench/torch_part.h"

namespace tenfold::gnnbench {

Json run_label_propagation(const TrainInput& input, cli::Run& run);

}  // namespace tenfold::gnnbench
