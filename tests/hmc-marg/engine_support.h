// Small graphs by hand, and the comparison of the engine with the reference gradient.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "hmc-marg/graph.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {

// Scalars of an operand, known (number) or not (slot).
struct List {
  std::vector<double> number;
  std::vector<Slot> slot;

  List() = default;
  List(std::vector<double> numbers) : number(std::move(numbers)), slot(number.size(), 0) {}
  List(double known) : List(std::vector<double>{known}) {}
  static List of(std::vector<Slot> slots) {
    List list(std::vector<double>(slots.size(), 0.0));
    list.slot = std::move(slots);
    return list;
  }
  static List at(Slot slot) { return of({slot}); }
  static List range(Slot first, std::uint32_t size) {
    std::vector<Slot> slots;
    for (std::uint32_t i = 0; i < size; ++i) slots.push_back(first + i);
    return of(std::move(slots));
  }
  Scalars view() const { return {number, slot}; }
  std::size_t size() const { return number.size(); }
};

inline std::vector<Scalars> views(const std::vector<List>& lists) {
  std::vector<Scalars> out;
  for (const List& list : lists) out.push_back(list.view());
  return out;
}
inline Slot lanes_of(Graph& g, Op op, const std::vector<List>& operands, std::uint32_t lanes = 1) {
  return g.lane_wise(op, views(operands), lanes);
}
inline Slot density_of(Graph& g, Density family, const std::vector<List>& operands, std::uint32_t lanes = 1) {
  return g.density(family, views(operands), lanes);
}
inline Slot reduce(Graph& g, Op op, const std::vector<List>& operands) {
  const std::uint32_t offsets[] = {0, static_cast<std::uint32_t>(operands[0].size())};
  return g.segmented(op, views(operands), offsets);
}

// The target of a graph with `dimension` parameters made first.
struct Target {
  Graph graph;
  TargetSpec spec;

  Slot parameters(std::uint32_t count) {
    const Slot first = graph.parameters(count);
    for (std::uint32_t i = 0; i < count; ++i) spec.inputs.push_back(first + i);
    return first;
  }
  void factor(Density family, const std::vector<List>& operands, std::uint32_t lanes = 1) {
    spec.densities.push_back({graph.node_of(density_of(graph, family, operands, lanes)), {}});
  }
  void term(Slot slot, double coefficient = 1) { spec.terms.push_back({slot, coefficient, 0}); }
};

inline std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> all;
  for (const InstructionSet set : {InstructionSet::base, InstructionSet::avx2, InstructionSet::avx512}) {
    if (supported(set)) all.push_back(set);
  }
  return all;
}

// Engine and reference agree at q in value and gradient, for every instruction set, and the sets agree bit by bit.
inline void check_agreement(const Target& target, const std::vector<double>& q, double tolerance = 1e-12) {
  std::vector<double> want(q.size()), first;
  const double value = reference_log_density(target.graph, target.spec, q, want);
  double scale = 1;
  for (const double g : want) scale = std::max(scale, std::abs(g));
  for (const InstructionSet set : instruction_sets()) {
    CAPTURE(static_cast<int>(set));
    Engine engine(lower(target.graph, target.spec, set));
    // Twice: a gradient must leave the adjoints clear for the next.
    for (int turn = 0; turn < 2; ++turn) {
      std::vector<double> gradient(q.size(), 7.0);
      const double got = engine.log_density(q, gradient);
      if (std::isinf(value)) {
        CHECK(got == value);
      } else {
        CHECK(std::abs(got - value) <= tolerance * std::max(1.0, std::abs(value)));
      }
      double worst = 0;
      for (std::size_t i = 0; i < q.size(); ++i) {
        const double off = std::abs(gradient[i] - want[i]);
        worst = off <= worst ? worst : off;  // a NaN is kept
      }
      CHECK(worst <= tolerance * scale);
      gradient.push_back(got);
      if (first.empty()) first = gradient;
      CHECK(gradient == first);
    }
    CHECK(engine.log_density(q) == first.back());
  }
}

}  // namespace tenfold::hmc_marg
