// A data set over some of another's nodes, in another order, the induced subgraph with its features, labels and split; and one
// with some of another's feature columns.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

// Node i of the result is nodes[i] of `data`; they must differ. With all nodes it is the same graph under other numbers. Copies
// what it holds; the digest is empty. Throws std::invalid_argument for a node that is repeated.
Dataset rearranged(const Dataset& data, std::span<const NodeId> nodes);

// At most `most` nodes, ascending: breadth first over in-neighbours from the first training node of a keyed order, from the next
// one where a component ends, and from any node after those. All nodes where there are no more.
std::vector<NodeId> neighbourhood(const Dataset& data, std::int64_t most, std::uint64_t seed);

// The same with `most` of the feature columns, those first in a keyed order, in their old order. The digest is empty, and
// features are copied, unless there are no more columns than that.
Dataset with_fewer_columns(const Dataset& data, std::int64_t most, std::uint64_t seed);

}  // namespace tenfold::gnnbench
