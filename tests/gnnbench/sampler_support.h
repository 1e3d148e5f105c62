// What the samplers' tests share: a node with d in-neighbours, the sources of a row, a block's promises.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "gnnbench/sampler.h"

namespace tenfold::gnnbench {

// Row 0 has in-neighbours 1..d, the other rows none.
inline Csr star_into_zero(std::int64_t d) {
  Csr graph;
  for (std::int64_t u = 1; u <= d; ++u) graph.indices.push_back(static_cast<NodeId>(u));
  graph.indptr.assign(static_cast<std::size_t>(d) + 2, d);
  graph.indptr[0] = 0;
  return graph;
}

// Global ids of the sources of a block's row, in its order.
inline std::vector<NodeId> sources_of(const Block& block, std::int64_t row) {
  std::vector<NodeId> ids;
  for (const NodeId local : block.view().row(row)) ids.push_back(block.sources[static_cast<std::size_t>(local)]);
  return ids;
}

// Of a batch that went outwards from its seeds: blocks chain, sources begin with the destinations, then come new ones by first
// appearance; rows ascend and hold edges of the graph (or the loop where it counts).
inline void check_blocks(const MiniBatch& batch, const SamplerContext& context) {
  REQUIRE(!batch.blocks.empty());
  std::vector<NodeId> known = batch.seeds;
  for (auto block = batch.blocks.rbegin(); block != batch.blocks.rend(); ++block) {
    REQUIRE(block->destinations == static_cast<std::int64_t>(known.size()));
    REQUIRE(static_cast<std::int64_t>(block->indptr.size()) == block->destinations + 1);
    REQUIRE(static_cast<std::int64_t>(block->inverse_inclusion.size()) == block->destinations);
    std::unordered_map<NodeId, NodeId> local;
    for (std::size_t i = 0; i < known.size(); ++i) local[known[i]] = static_cast<NodeId>(i);
    std::size_t wrong = 0;
    for (std::int64_t v = 0; v < block->destinations; ++v) {
      const NodeId destination = known[static_cast<std::size_t>(v)];
      NodeId before = -1;
      for (const NodeId u : sources_of(*block, v)) {
        const auto row = context.graph.row(destination);
        wrong += u <= before;
        wrong += !std::binary_search(row.begin(), row.end(), u) && !(context.added_self_loop && u == destination);
        before = u;
        if (local.emplace(u, static_cast<NodeId>(known.size())).second) known.push_back(u);
      }
    }
    CHECK(wrong == 0);
    CHECK(block->sources == known);
  }
}

}  // namespace tenfold::gnnbench
