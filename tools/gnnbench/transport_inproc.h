// Workers as threads of one process, for tests and for looking into a run with a debugger. Results name it "inproc": it says
// nothing about speed.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

// One transport a worker, joined to each other. Each is used by one thread. When one is destroyed, what the others still expect
// from it throws Error(machine) instead of waiting for ever.
std::vector<std::unique_ptr<Transport>> make_inproc(int workers);

// body(transport) in `workers` threads at once. If some throw, the others' waits end too, and the error of the lowest rank that
// failed by itself is thrown.
void run_inproc(int workers, const std::function<void(Transport&)>& body);

}  // namespace tenfold::gnnbench
