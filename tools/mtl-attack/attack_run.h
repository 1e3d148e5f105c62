// The whole of `run`, which `demo` runs with options of its own: clean pass, cells, summary, charts.
#pragma once

#include "cli/result.h"
#include "cli/run.h"
#include "mtl-attack/attack_options.h"

namespace tenfold::mtl_attack {

cli::Result attack_run(const RunOptions& options, cli::Run& run);

}  // namespace tenfold::mtl_attack
