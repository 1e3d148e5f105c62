// One partition for all workers: METIS is asked once a run, by rank 0, who tells the others.
#pragma once

#include <filesystem>

#include "gnnbench/dataset.h"
#include "gnnbench/partition_store.h"
#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

// stored_partition() of rank 0, on all workers. transport may be null: one worker. A collective call, counted as set-up.
Partition agreed_partition(const Dataset& data, int parts, const PartitionOptions& options, const std::filesystem::path& cache,
                           Transport* transport);

}  // namespace tenfold::gnnbench
