// Workers as processes joined by Open MPI. Messages are started by the worker's own thread and driven by one communication
// thread, so that they move while the worker computes; it sleeps between its looks, so that waiting costs little CPU time.
#pragma once

#include <memory>

#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

// Joins the workers of this mpirun (or srun); once a process. Throws Error(machine) if MPI cannot be had.
std::unique_ptr<WorkerTransport> join_mpi(const JoinOptions& options);

}  // namespace tenfold::gnnbench
