// Labels or features of nodes in a file of their own: .npy, or lines of text (.csv, .tsv, .txt, gzip too). Rows are nodes 0, 1,
// ... or carry a node's id in their first column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gnnbench/feature_table.h"

namespace tenfold::gnnbench {

struct NodeRows {
  std::string file;
  std::int64_t rows = 0;
  bool keyed = false;                    // ids[i] is the node of row i
  std::vector<std::string> ids;
  std::vector<std::size_t> lines;        // of the rows, where the file is text
  std::vector<std::string> notes;

  std::string place(std::int64_t row) const;  // "F.csv:12" or "F.npy: row 12"
};

struct LabelFile : NodeRows {
  std::vector<std::int32_t> labels;  // [rows], -1 none
  int classes = 0;
};

// Text: one column, or id and label; a header is found. Labels are whole numbers (-1, an empty word, NA and nan: none), or names,
// which become 0, 1, ... in alphabetical order. .npy: [n] or [n, 1] of whole numbers; NaN and -1 are none. Throws Error(input) on
// anything else, on several labels a node and on a label below -1 or above 2^31 - 2, with file, line and value.
LabelFile read_labels(const std::string& path);
LabelFile parse_labels(std::string_view text, const std::string& file);  // of text in memory

struct FeatureFile : NodeRows {
  FeatureTable table;  // dense, [rows, width]
};

// Text: numbers, the same count in each line; the first column is the id where the header calls it id, node or node_id, or where
// it is no number. .npy: [n, F] or [n]. Throws Error(input): a ragged row or a word that is no number, with file, line and word.
FeatureFile read_features_file(const std::string& path);

}  // namespace tenfold::gnnbench
