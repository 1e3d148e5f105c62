// What LibTorch does once in a process (first use of each operation, its threads, our threads) is done before the clock runs.
#pragma once

#include "gnnbench/torch/network.h"

namespace tenfold::gnnbench {

// Two updates of a network of this architecture on a ring, thrown away. Draws nothing, changes nothing.
void warm_up(const ModelSpec& spec, std::int64_t features, int classes, bool sparse, const ComputePtr& compute);

}  // namespace tenfold::gnnbench
