// Layer 0 of a full-graph worker: the features of its inner nodes, which live with it, and those of its halo nodes, which their
// owners send once, at set-up, and which stay exact ever after.
#pragma once

#include "gnnbench/dataset.h"
#include "gnnbench/torch/exchange_systems.h"
#include "gnnbench/torch/network.h"

namespace tenfold::gnnbench {

// Rows of part.ids in their order; dense [inner + halo, F], or sparse. A collective call, counted as set-up. The part must
// outlive the rows.
LayerRows fetch_input_rows(const Features& features, const WorkerPart& part, Transport& transport, torch::Dtype dtype,
                           Compute& compute);

}  // namespace tenfold::gnnbench
