// A node classification task: graph, features, labels, split. Made by the readers (open_dataset, load.h) and by the generators;
// all that trains, samples and partitions starts from it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gnnbench/csr.h"

namespace tenfold::gnnbench {

// Dense rows, or CSR with values. Both empty: no features (width 0).
struct Features {
  std::int64_t width = 0;            // F
  std::span<const float> dense;      // [n, F] row-major, or empty
  std::span<const EdgeIndex> indptr; // sparse: [n + 1], or empty
  std::span<const NodeId> columns;   // [nnz], ascending in a row
  std::span<const float> values;     // [nnz]

  bool sparse() const { return !indptr.empty(); }
};

enum class Part : std::uint8_t { none = 0, train = 1, val = 2, test = 3 };

struct Dataset {
  std::string name;                       // of the file or folder, without extension
  std::string source;                     // path as given
  std::string format;                     // gnnb, npz, edge-list, matrix-market, generated
  std::string digest;                     // SHA-256 over sizes, indptr, indices, features, labels, split as stored in .gnnb
  CsrView graph;                          // n rows
  Direction direction = Direction::symmetric;
  EdgeCounts counts;
  Features features;
  std::string feature_norm = "none";
  std::span<const std::int32_t> labels;   // [n], -1: none
  int classes = 0;                        // C
  std::span<const std::uint8_t> split;    // [n], a Part; a node without label is in none
  std::string split_name;                 // given, random:0.6,0.2,0.2, ...
  std::vector<std::string> node_ids;      // the input's own names, where ids were mapped; else empty
  std::shared_ptr<const void> storage;    // what the spans point into

  std::int64_t nodes() const { return graph.rows(); }
  std::vector<NodeId> part(Part which) const;  // ascending
};

}  // namespace tenfold::gnnbench
