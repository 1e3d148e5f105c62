// The identities of `verify` that need tensors: losses, gradients, logits of the engines that train.
#pragma once

#include <vector>

#include "cli/run.h"
#include "gnnbench/torch_part.h"
#include "gnnbench/verify.h"

namespace tenfold::gnnbench {

// Two layers of width 8, for sage (with and without loops, pool, gcn aggregator), gcn and gat, dropout of every kind on:
//   ns:all, labor:all and cluster:1:1 with one batch == sync, loss and every gradient; float32 (1e-5) and float64 (1e-10);
//   gradients == central differences of the loss in float64 (1e-6), on at most 500 nodes;
//   logits follow a permutation of the ids (1e-5);
// and for each W of `workers`, as threads of this process: sync and bns:1 at W == one worker (1e-5), W workers of B == one of W B
// for ns and labor (1e-5). Deviations of gradients are relative to the greatest entry over all parameters.
std::vector<Check> training_checks(const Dataset& data, const std::vector<int>& workers, cli::Run& run);

}  // namespace tenfold::gnnbench
