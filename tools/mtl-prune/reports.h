// What a result says to people: a summary for the terminal, a sentence, tables and charts for the report.
#pragma once

#include "cli/result.h"
#include "data/json.h"

namespace tenfold::mtl_prune {

// Each takes the fields of its subcommand's result.
cli::Result inspect_report(Json value);
cli::Result score_report(Json value);
cli::Result prune_report(Json value);
cli::Result apply_report(Json value);
cli::Result verify_report(Json value);   // exit code 1 where a check does not hold
cli::Result latency_report(Json value);
cli::Result iterate_report(Json value);  // exit code 4 where floors and locks hold the target off
cli::Result retrain_report(Json value);
cli::Result demo_report(Json value);     // exit code 1 where a check does not hold

}  // namespace tenfold::mtl_prune
