// The workers of a run as threads of this process, for tests: the same code and messages, no processes.
#pragma once

#include <functional>

#include "cli/run.h"
#include "data/json.h"
#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

// Calls body(transport, run) once a worker, each on a thread of its own; rank 0 sees `run`, the others one that only passes on
// stop and saved state; all with an equal share of the threads. Returns what rank 0 returned; throws what the lowest rank threw
// that did not merely lose a peer.
Json run_inproc(int workers, cli::Run& run, const std::function<Json(Transport&, cli::Run&)>& body);

}  // namespace tenfold::gnnbench
