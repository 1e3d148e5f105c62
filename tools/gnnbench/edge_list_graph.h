// Edge lists: a line an edge, its first two words source and target. Comments (#, %), a header, the separator and the ids' base
// are found by looking, and said.
#pragma once

#include "data/line_reader.h"
#include "gnnbench/node_table.h"
#include "gnnbench/raw_graph.h"

namespace tenfold::gnnbench {

// labels and features may be null. Without ids of their own their rows fix n; rows with ids name nodes, which need no edge.
// Throws Error(input) with file and line: a ragged row, a negative id, an id that n does not allow, a node labelled twice.
RawGraph read_edge_list(data::LineReader& lines, const LabelFile* labels, const FeatureFile* features);

// The same tables for a graph that has its nodes already: rows in order, or by the ids the file uses.
void attach_tables(RawGraph& graph, const LabelFile* labels, const FeatureFile* features);

// Drops labels that cannot be: throws Error(input) where one is n or above.
void require_labels_below_n(const LabelFile& labels, std::int64_t nodes);

}  // namespace tenfold::gnnbench
