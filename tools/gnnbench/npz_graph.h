// Graphs in the gnn-benchmark .npz layout: adj_{data,indices,indptr,shape}; attr_{data,indices,indptr,shape} or attr_matrix;
// labels; {train,val,test}_mask or _idx. Row u holds the targets of u.
#pragma once

#include "data/npz.h"
#include "gnnbench/raw_graph.h"

namespace tenfold::gnnbench {

// Throws Error(input): an array that is missing or an object array though it is needed, indices outside the shape, labels below
// -1 or n and above, several labels a node, masks that overlap or have another length (with counts), features that are not
// finite.
RawGraph read_npz_graph(const data::Npz& npz);

}  // namespace tenfold::gnnbench
