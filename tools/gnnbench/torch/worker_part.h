// What one worker of a full-graph system holds of the graph: its part's rows over its own nodes and their remote in-neighbours,
// and which rows cross to and from whom.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gnnbench/partition.h"
#include "gnnbench/torch/layer_graph.h"

namespace tenfold::gnnbench {

// Rows that travel before a layer; the gradients of received rows travel back the same way.
struct Crossing {
  std::vector<std::vector<NodeId>> send;   // [j] rows of the inner ones that go to worker j
  std::vector<std::int64_t> halo_begin;  // [W + 1] of the received rows those of worker i are halo_begin[i] .. halo_begin[i + 1]
  std::vector<double> factor;  // [i] what those are multiplied by; empty: 1

  std::int64_t received_rows() const { return halo_begin.back(); }
  std::int64_t sent_rows() const;
};

// Local numbers: inner nodes by ascending id, then halo nodes by owner and id.
struct WorkerPart {
  std::vector<NodeId> ids;  // [inner + halo] global ids
  std::int64_t inner = 0;
  Crossing crossing;  // all of B_wj and R_w
  GraphPtr graph;  // [inner] rows over all local numbers, in the order of the whole graph's rows, loops stored;
                   // degrees are the whole graph's. Its source_ids are `ids`
  std::span<const NodeId> inner_ids() const { return std::span(ids).first(static_cast<std::size_t>(inner)); }
};

// Shared, as its graph points into its ids.
std::shared_ptr<const WorkerPart> make_worker_part(CsrView whole, bool symmetric, const Partition& partition, int rank,
                                                   const ModelSpec& model, torch::Dtype dtype);

// The part's graph without the edges from halo nodes that are not in `kept`, which holds places in ids, ascending and beyond the
// inner ones: sources are the inner nodes and those kept. Degrees stay as they are.
GraphPtr without_other_halo(const std::shared_ptr<const WorkerPart>& part, std::span<const NodeId> kept, const ModelSpec& model);

}  // namespace tenfold::gnnbench
