// Partitions kept in a folder, so that runs on one graph share METIS's answer: it depends on the graph, the number of parts and
// the partition's own seed, and can take longer than the training.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "gnnbench/dataset.h"
#include "gnnbench/partition.h"

namespace tenfold::gnnbench {

// partition_graph() of partition.h, or what an earlier call kept in `folder` under the same data digest, k and options. An empty
// folder keeps nothing. Callable from several processes at once. Throws Error(input) for a kept file that is no such partition.
Partition stored_partition(const Dataset& data, int k, std::span<const std::uint8_t> train, const PartitionOptions& options,
                           const std::filesystem::path& folder);

}  // namespace tenfold::gnnbench
