// A value of the Stan language during evaluation: numbers, some of which may stand for nodes of the graph.
// Layout: array indices outermost, last array index fastest; inside, a matrix is column-major. That is the order of the
// unconstrained vector, too.
#pragma once

#include <memory>
#include <vector>

#include "hmc-marg/ast.h"
#include "hmc-marg/graph.h"

namespace tenfold::hmc_marg {

struct Value {
  Type type;
  std::vector<int> dims;       // array sizes, then vector length or matrix rows, columns; empty for a scalar
  std::vector<double> number;  // one a scalar
  std::vector<Slot> slot;      // empty: all numbers are known; else one a scalar, 0 where the number is known

  std::size_t size() const { return number.size(); }
  bool known() const { return slot.empty(); }
};

// View of a value's scalars as operands of a node.
inline Scalars scalars(const Value& value) { return {value.number, value.slot}; }

}  // namespace tenfold::hmc_marg
