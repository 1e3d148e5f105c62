// What a mini-batch computes on: one bipartite graph a layer. Sources begin with the destinations, in their order; then come new
// sources by first appearance.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gnnbench/csr.h"

namespace tenfold::gnnbench {

struct Block {
  std::int64_t destinations = 0;
  std::vector<NodeId> sources;      // global ids, [>= destinations]
  std::vector<EdgeIndex> indptr;    // [destinations + 1]
  std::vector<NodeId> indices;      // into sources, in the order of the global CSR row
  std::vector<float> weights;       // [edges]; empty: the model's own (mean, softmax)
  // [destinations] 1 / the probability that an edge of this row was kept: ns d_v / s_v, labor max(1, d_v / k). Times A^_vu it
  // makes gcn's sum unbiased. Empty: 1 (cluster).
  std::vector<float> inverse_inclusion;

  CsrView view() const { return {indptr, indices}; }
  EdgeIndex edges() const { return indptr.empty() ? 0 : indptr.back(); }
};

// blocks[0] is applied first (its sources are the input rows), blocks.back()'s destinations are the seeds. A full-graph method
// has L equal blocks in spirit and stores none.
struct MiniBatch {
  std::vector<NodeId> seeds;        // global ids of the loss's nodes, in order
  std::vector<Block> blocks;        // [layers]
  std::vector<NodeId> loss_rows;  // rows of the last block's destinations that carry the loss: 0..seeds-1, or within a subgraph
};

}  // namespace tenfold::gnnbench
