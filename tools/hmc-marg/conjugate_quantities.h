// Arithmetic on numbers that are known or scalars of the graph: known ones fold, the others become nodes.
#pragma once

#include <vector>

#include "hmc-marg/affine_forms.h"
#include "hmc-marg/conjugate.h"

namespace tenfold::hmc_marg {

class Quantities {
 public:
  explicit Quantities(Graph& graph) : nodes_(graph), graph_(graph) {}

  static Quantity known(double number) { return {number, 0}; }
  Quantity of(Slot slot) const { return graph_.is_constant(slot) ? known(graph_.constant_value(slot)) : Quantity{0, slot}; }
  Slot slot(const Quantity& q) { return q.slot != 0 ? q.slot : graph_.constant(q.number); }
  Quantity apply(Op op, const Quantity& x);
  Quantity apply(Op op, const Quantity& x, const Quantity& y);
  Quantity add(const Quantity& x, const Quantity& y) { return is(x, 0) ? y : is(y, 0) ? x : apply(Op::add, x, y); }
  Quantity mul(const Quantity& x, const Quantity& y) { return is(x, 1) ? y : is(y, 1) ? x : apply(Op::mul, x, y); }
  Quantity power(Slot slot, int halves);
  Quantity value(const Monomial& m);
  // x + sum of weight * slot
  struct Weighted {
    Slot slot = 0;
    double weight = 1;
  };
  Quantity sum(double known, std::vector<Weighted> parts);
  CoefficientGraph& nodes() { return nodes_; }

 private:
  static bool is(const Quantity& q, double number) { return q.slot == 0 && q.number == number; }
  CoefficientGraph nodes_;
  Graph& graph_;
};

}  // namespace tenfold::hmc_marg
