// The factor graph as a document: JSON (schema tenfold.hmc-marg.graph/1) and Graphviz.
#pragma once

#include <iosfwd>

#include "hmc-marg/model.h"

namespace tenfold::hmc_marg {

// {"schema", "data": {}, "parameters": [{name, type, dims, lower, upper, offset, multiplier, node}], "nodes": [{op, args, ...}],
//  "factors": [{density, args, line}], "target": [{node, coefficient, line}], "outputs": [{name, node, dims, block}]}.
// A node's id is its position; its args precede it. Besides the operations there are `const` (values), `param` (name), `index`
// (1-based elements of one node) and `concat`. Segmented operations carry `segments`, 0-based offsets into their operands;
// matrices `rows`.
void write_graph_json(const Model& model, std::ostream& out);

// One box a node, one ellipse a factor, for `dot -Tsvg`.
void write_graph_dot(const Model& model, std::ostream& out);

}  // namespace tenfold::hmc_marg
