// Small things that rank 0 gathers from all workers: digests, checkpoints' parts, memory peaks; and flags that all must agree on.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

// Each worker's bytes in rank order on rank 0, nothing elsewhere. transport may be null: one worker. A collective call.
std::vector<std::string> gather_texts(const std::string& own, Transport* transport);

// Sums over the workers, in place; nothing to do for one.
void sum_over_workers(std::span<double> values, Transport* transport);

}  // namespace tenfold::gnnbench
