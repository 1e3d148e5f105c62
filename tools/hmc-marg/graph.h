// The graph that a program becomes once its data is known: vector nodes over numbered scalars ("slots"), hash-consed.
// A node's outputs are consecutive slots; its operands are lists of slots, so that indexing, slicing and joining cost no node.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "hmc-marg/densities.h"
#include "hmc-marg/op.h"

namespace tenfold::hmc_marg {

using Slot = std::uint32_t;  // one scalar of the graph; 0 is no slot

// Operand scalars given as numbers, of which some stand for slots (slot empty: all are known; slot[i] == 0: number[i] is known).
struct Scalars {
  std::span<const double> number;
  std::span<const Slot> slot;
  std::size_t size() const { return number.size(); }
  bool known() const { return slot.empty(); }
};

// An operand list of a node: one slot for all lanes, consecutive slots, or slots listed in Graph::pool.
struct Operand {
  enum class Kind : std::uint8_t { single, range, list } kind = Kind::single;
  std::uint32_t first = 0;  // single, range: the (first) slot; list: where it begins in the pool
  std::uint32_t size = 0;   // scalars in the list (1 for single)
};

struct Node {
  Op op = Op::constant;
  Density density = Density::none;
  std::uint8_t arity = 0;
  std::uint32_t lanes = 0;     // outputs
  Slot first = 0;              // first output
  std::uint32_t operands = 0;  // index of its first Operand in Graph::operands()
  std::uint32_t segments = 0;  // segmented ops: index into Graph::segments() of lanes + 1 offsets into the operand lists
  std::uint32_t rows = 0;      // matrix ops: n
  int line = 0;                // source line that made it first
};

// Throws Error(input) naming `line` when more than 20 million slots would be made.
class Graph {
 public:
  Graph();

  Slot constant(double value);                               // hash-consed by bits
  Slot constants(std::span<const double> values);            // a node of consecutive slots, hash-consed as a whole
  Slot parameters(std::uint32_t count);                      // new unconstrained scalars; never merged

  // Each returns the first of its consecutive outputs. Operands of size 1 are broadcast over `lanes`.
  Slot lane_wise(Op op, std::span<const Scalars> operands, std::uint32_t lanes);
  // offsets: lanes + 1 ascending positions; operands have offsets.back() scalars (or 1: broadcast).
  Slot segmented(Op op, std::span<const Scalars> operands, std::span<const std::uint32_t> offsets);
  Slot whole(Op op, std::span<const Scalars> operands, std::uint32_t lanes, std::uint32_t rows = 0);
  Slot density(Density family, std::span<const Scalars> operands, std::uint32_t lanes);

  void set_line(int line) { line_ = line; }  // recorded in the nodes made from now on

  const std::vector<Node>& nodes() const { return nodes_; }
  std::uint32_t slot_count() const { return static_cast<std::uint32_t>(node_of_slot_.size()); }
  std::uint32_t node_of(Slot slot) const { return node_of_slot_[slot]; }
  bool is_constant(Slot slot) const { return nodes_[node_of_slot_[slot]].op == Op::constant; }
  double constant_value(Slot slot) const { return constant_values_[constant_index_.at(slot)]; }
  std::span<const Operand> operands(const Node& node) const { return {operands_.data() + node.operands, node.arity}; }
  Slot slot_of(const Operand& operand, std::size_t i) const {
    return operand.kind == Operand::Kind::list ? pool_[operand.first + i] : operand.first + (operand.kind == Operand::Kind::range ? static_cast<Slot>(i) : 0);
  }
  std::span<const std::uint32_t> segments(const Node& node) const { return {segments_.data() + node.segments, node.lanes + 1u}; }

 private:
  Operand make_operand(const Scalars& scalars);
  Slot intern(Node node, std::span<const Operand> operands, std::span<const std::uint32_t> offsets);

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> node_of_slot_;
  std::vector<Operand> operands_;
  std::vector<Slot> pool_;
  std::vector<std::uint32_t> segments_;
  std::vector<double> constant_values_;
  std::unordered_map<Slot, std::uint32_t> constant_index_;  // owner may choose a faster layout
  std::unordered_multimap<std::uint64_t, std::uint32_t> interned_;
  int line_ = 0;
};

}  // namespace tenfold::hmc_marg
