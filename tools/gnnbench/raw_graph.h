// What a reader gives: the file's content, checked, before the graph is made simple and before any option but the files' own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gnnbench/csr.h"
#include "gnnbench/feature_table.h"

namespace tenfold::gnnbench {

struct RawGraph {
  std::string format;                 // npz, edge-list, matrix-market
  std::int64_t nodes = 0;
  std::vector<Edge> edges;            // ids in [0, nodes)
  std::int64_t raw_edges = 0;         // lines or entries; a symmetric matrix's count once
  FeatureTable features;              // [nodes, width]; width 0: none
  std::vector<std::int32_t> labels;   // [nodes], -1 none; empty: no labels at all
  int classes = 0;
  std::vector<std::uint8_t> split;    // [nodes], a Part; empty: none given
  std::vector<std::string> node_ids;  // [nodes] where ids were mapped; else empty
  std::int64_t first_id = 0;          // what the file calls node 0, where ids were not mapped
  std::vector<std::string> notes, warnings;
};

}  // namespace tenfold::gnnbench
