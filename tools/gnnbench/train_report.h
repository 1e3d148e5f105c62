// What `train` tells people: a summary, a sentence, tables and charts of a run's result.
#pragma once

#include "cli/result.h"
#include "data/json.h"
#include "gnnbench/train_options.h"

namespace tenfold::gnnbench {

// `value` as run_result() makes it; it becomes the result's value.
cli::Result train_report(const TrainPlan& plan, Json value);

}  // namespace tenfold::gnnbench
