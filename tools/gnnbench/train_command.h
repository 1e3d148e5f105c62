// gnnbench train: one run of one system.
#pragma once

#include "cli/run.h"
#include "cli/subcommand.h"
#include "data/json.h"
#include "gnnbench/torch_part.h"
#include "gnnbench/train_options.h"
#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

cli::Subcommand train_command();

// What each worker process of a run does. job: {"job": "train", "options": options_json()}.
Json train_job(const Json& job, Transport& transport, TorchPart& part, cli::Run& run);

}  // namespace tenfold::gnnbench
