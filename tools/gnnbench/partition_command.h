// gnnbench partition: parts of a graph, and what the workers that hold them would exchange.
#pragma once

#include "cli/option_table.h"
#include "cli/subcommand.h"
#include "gnnbench/partition.h"

namespace tenfold::gnnbench {

// --partition, --partition-obj, --balance-train, --partition-seed.
void describe_partition(PartitionOptions& options, cli::OptionTable& table);

cli::Subcommand partition_command();

}  // namespace tenfold::gnnbench
