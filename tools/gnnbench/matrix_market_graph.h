// MatrixMarket coordinate files (.mtx) as graphs: row u, column v is the edge u -> v; values are left out.
#pragma once

#include "data/line_reader.h"
#include "gnnbench/raw_graph.h"

namespace tenfold::gnnbench {

// `lines` begins with the %%MatrixMarket line. In a symmetric, skew-symmetric or hermitian file each entry stands for its
// reverse, too. Throws Error(input) with file and line: an array (dense) file, a matrix that is not square, an id outside 1..n,
// fewer or more entries than stated.
RawGraph read_matrix_market(data::LineReader& lines);

}  // namespace tenfold::gnnbench
