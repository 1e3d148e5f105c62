// Affine forms: a scalar that is affine in the eliminated scalars z, written as sum of number * value(ref) * z and intercept
// terms. The pass appends to the graph only products of coefficients that both depend on kept parameters.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hmc-marg/block_system.h"
#include "hmc-marg/graph.h"

namespace tenfold::hmc_marg {

// A number, or a scalar of the graph.
struct NumberOrSlot {
  double number = 0;
  Slot slot = 0;
};

// Products and quotients of coefficients (number * value(ref)) as nodes of the graph; known scalars fold.
class CoefficientGraph {
 public:
  explicit CoefficientGraph(Graph& graph) : graph_(graph) {}
  NumberOrSlot known_or_slot(Slot slot) const;  // constant slots become numbers
  Slot binary(Op op, Slot a, Slot b);
  Slot unary(Op op, Slot a);
  Slot product(Slot a, Slot b) { return a == 0 ? b : b == 0 ? a : binary(Op::mul, a < b ? a : b, a < b ? b : a); }
  // log of a positive scalar; log(exp(x)) is x.
  Slot log_of(Slot a);
  Graph& graph() { return graph_; }

 private:
  Graph& graph_;
};

// Sorts by (z, ref), adds up equal ones, drops zeros.
void normalise(std::vector<AffineTerm>& terms);

class AffineForms {
 public:
  // leaf[i] is the slot that is z_i. `roots`: the slots whose forms are wanted (0 is skipped). Throws Error(machine) where a root
  // is not affine, which the eligibility analysis excludes.
  AffineForms(Graph& graph, std::span<const Slot> leaves, std::span<const Slot> roots);
  bool depends(Slot slot) const { return slot < state_.size() && state_[slot] != kFree; }
  // Adds factor * (form of slot) to out, not normalised. A slot free of z is one intercept term.
  void add(Slot slot, double factor, std::vector<AffineTerm>& out) const;

 private:
  enum State : std::uint8_t { kFree, kDependent, kNeeded };
  void mark(std::span<const Slot> leaves, std::span<const Slot> roots);
  void form(const Node& node, std::uint32_t lane, std::vector<AffineTerm>& out);
  void solve(const Node& node);
  void scale(std::vector<AffineTerm>& terms, std::size_t from, const NumberOrSlot& by, bool divide);
  void store(Slot slot, std::vector<AffineTerm>& terms);

  CoefficientGraph coefficients_;
  std::vector<std::uint8_t> state_;  // by slot, of the graph as it was at construction
  std::vector<std::int32_t> leaf_of_;  // by slot: z or -1
  std::vector<std::uint32_t> first_, count_;
  std::vector<AffineTerm> pool_;
};

// Constrained values of kept parameters: taken as they are, never seen as computed from unconstrained scalars, because recovery
// is given these values and not those.
class GivenSlots {
 public:
  explicit GivenSlots(std::vector<Slot> slots);
  bool contains(Slot slot) const;

 private:
  std::vector<Slot> slots_;  // ascending
};

// Writes number * value(slot) as constant + sum of number * value(atom), atoms being scalars that are not affine in others with
// known coefficients, or given. Appends to out; false (and out unchanged) if more than `limit` atoms are met.
bool decompose(const Graph& graph, const GivenSlots& given, Slot slot, double number, std::size_t limit,
               std::vector<AffineTerm>& out);

}  // namespace tenfold::hmc_marg
