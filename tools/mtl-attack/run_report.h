// What a run shows: the table on the terminal, the report's sentences and tables, its charts and pictures.
#pragma once

#include <vector>

#include "cli/result.h"
#include "cli/run.h"
#include "mtl-attack/cell_run.h"

namespace tenfold::mtl_attack {

void add_run_report(cli::Result& result, const Scene& scene, const CleanPass& clean, const std::vector<CellOutcome>& outcomes,
                    const CellSettings& settings, cli::Run& run);

}  // namespace tenfold::mtl_attack
