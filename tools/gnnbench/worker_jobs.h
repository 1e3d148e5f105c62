// What workers can be told to do.
#pragma once

#include "cli/run.h"
#include "data/json.h"
#include "gnnbench/torch_part.h"
#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

// job["job"] names it. Every worker calls this with the same job; rank 0's value is the launcher's answer.
Json run_worker_job(const Json& job, Transport& transport, TorchPart& part, cli::Run& run);

// Messages of random lengths between all pairs, several of a tag under way at once, then sums of random numbers, `rounds` times:
// what arrives is compared with what was sent, which every rank can compute. {"job": "exchange", "rounds", "largest_bytes",
// "seed"} -> {"ranks", "messages", "bytes", "sent", "digest"}, of what rank 0 received and sent; rank 0 first notes
// "workers PID PID ...". Stops where the run does, and goes on from there. Throws Error(machine) at the first byte that differs.
Json exchange_job(const Json& job, Transport& transport, cli::Run& run);

}  // namespace tenfold::gnnbench
