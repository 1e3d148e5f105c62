// The graph that one layer aggregates over: rows are destinations, entries are sources, by local numbers. Destinations are the
// first of the sources. For linear aggregation (mean, gcn) the weight of an edge u -> v is scale[u] / divide[v].
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gnnbench/block.h"
#include "gnnbench/csr.h"
#include "gnnbench/model_spec.h"
#include "gnnbench/spmm.h"

namespace tenfold::gnnbench {

struct LayerGraph {
  CsrView forward;                        // [destinations] rows
  std::int64_t sources = 0;
  // A loop at each destination that is not stored, for linear aggregation; others store theirs.
  bool add_self = false;
  std::span<const float> scale;           // [sources]; empty: 1
  std::span<const float> divide;          // [destinations]; empty: 1; 0 for a row without entries
  std::span<const NodeId> source_ids;     // [sources] global ids, which dropout is keyed by; empty: 0, 1, 2, ...
  CsrView backward;                       // [sources] rows: the transposed entries, ascending; empty where nothing is differentiated
  std::span<const EdgeIndex> edge_of;     // [edges] of `backward`: which entry of `forward`; empty where edges carry nothing
  bool symmetric = false;                 // backward is forward, square
  std::shared_ptr<const void> storage;    // what the spans point into, as far as it is not the data set's

  std::int64_t destinations() const { return forward.rows(); }
};

}  // namespace tenfold::gnnbench
