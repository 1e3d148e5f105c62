// Options that cannot act on a run, as what they set is nothing that its system or model has: --fanout under sync, --heads of a
// GraphSAGE. Nobody should believe that a result was measured with them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gnnbench/train_options.h"

namespace tenfold::gnnbench {

// Why option `name` of training cannot act under these options, the system's own among them; empty where it can.
// `system` as typed: fanouts that it does not name come from --fanout.
std::string why_idle(const std::string& name, const TrainOptions& options, const SystemSpec& system);

// (name, why) of the options that are not at their default and cannot act on a run with `system`.
std::vector<std::pair<std::string, std::string>> idle_options(const TrainOptions& options, const SystemSpec& system);

}  // namespace tenfold::gnnbench
