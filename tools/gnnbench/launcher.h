// Starts the workers of a run under mpirun, looks after them, and says in one line how they ended.
#pragma once

#include <filesystem>
#include <string>

#include "cli/run.h"
#include "data/json.h"

namespace tenfold::gnnbench {

struct LaunchOptions {
  int workers = 2;
  double timeout_s = 60;          // a worker that gives no sign of life for so long is given up
  std::filesystem::path program;  // whose `worker FOLDER` they run; empty: this executable
};

// job: an object with "job", the name of what they do, and what that needs; the shared entries of worker_link.h are added. Every
// worker gets an equal share of the run's threads, at least one. Returns what rank 0 answered.
//
// A stop request (base/stop.h) is passed on as SIGUSR1; the workers agree, save, and this leaves by run.interrupted(). Throws
// what a worker threw; Error(machine) if mpirun is missing or does not start, and if a worker ends or gives no sign of life,
// naming it; no process is left behind, also when this one is killed.
Json launch_workers(Json job, const LaunchOptions& options, cli::Run& run);

}  // namespace tenfold::gnnbench
