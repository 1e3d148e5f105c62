// The exchanges of W > 1 workers, one a system.
#pragma once

#include <memory>

#include "gnnbench/keyed_random.h"
#include "gnnbench/model_spec.h"
#include "gnnbench/torch/compute.h"
#include "gnnbench/torch/exchange.h"
#include "gnnbench/torch/worker_part.h"
#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

// What each of them works on; the transport must outlive it.
struct ExchangeContext {
  std::shared_ptr<const WorkerPart> part;
  Transport* transport = nullptr;
  ComputePtr compute;
  ModelSpec model;
  bool refetch_input = false;

  // Whether rows travel before this layer; those of layer 0 are constant and exact, unless they travel all the same.
  bool exchanged(int layer) const { return layer > 0 || refetch_input; }
};

// Exact: every boundary row of this update, before each exchanged layer, and every gradient back.
std::unique_ptr<Exchange> make_sync_exchange(const ExchangeContext& context);

// PipeGCN (Wan et al., ICLR 2022): rows and gradients of the update before, none of which the first update has: zeros. Own rows
// leave without being waited for.
std::unique_ptr<Exchange> make_pipe_exchange(const ExchangeContext& context);

// Rows of s = max(1, round(rate |B|)) boundary nodes of each ordered pair of workers, drawn for each update; `floor`: int(rate
// |B|), possibly none. Kept rows are multiplied by |B| / s where aggregation is linear.
std::unique_ptr<Exchange> make_bns_exchange(const ExchangeContext& context, const RandomKey& key, double rate, bool floor);

}  // namespace tenfold::gnnbench
