// The graph that a program becomes once its data is known: vector nodes over numbered scalars ("slots"), hash-consed.
// A node's outputs are consecutive slots; its operands are lists of slots, so that indexing, slicing and joining cost no node.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
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
  std::uint32_t segments = 0;  // segmented ops: place of lanes + 1 offsets into the operand lists, see Graph::segments()
  std::uint32_t rows = 0;      // matrix ops: n
  int line = 0;                // source line that made it first
};

inline constexpr std::size_t kMostScalars = 20'000'000;

// Node 0 is a placeholder for slot 0 (no slot). Equal nodes are made once: the same operation on the same operands gives the
// same slots (add and mul in either order of two scalars). Operands that repeat one slot, or one number, become a broadcast.
// Throws Error(input) naming `line` when more than kMostScalars slots would be made.
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

  // Summands of the target; equal ones are one slot, so that they count apart, against the same limit.
  void count_summands(std::size_t n) {
    summands_ += n;
    if (summands_ > kMostScalars) refuse_size();
  }

  void set_line(int line) { line_ = line; }  // recorded in the nodes made from now on
  void set_file(std::string file) { file_ = std::move(file); }  // for messages

  const std::vector<Node>& nodes() const { return nodes_; }
  std::uint32_t slot_count() const { return static_cast<std::uint32_t>(node_of_slot_.size()); }
  std::uint32_t node_of(Slot slot) const { return node_of_slot_[slot]; }
  bool is_constant(Slot slot) const { return nodes_[node_of_slot_[slot]].op == Op::constant; }
  double constant_value(Slot slot) const {
    const Node& node = nodes_[node_of_slot_[slot]];
    return constant_values_[node.segments + (slot - node.first)];
  }
  std::span<const Operand> operands(const Node& node) const { return {operands_.data() + node.operands, node.arity}; }
  Slot slot_of(const Operand& operand, std::size_t i) const {
    return operand.kind == Operand::Kind::list
               ? pool_[operand.first + i]
               : operand.first + (operand.kind == Operand::Kind::range ? static_cast<Slot>(i) : 0);
  }
  std::span<const std::uint32_t> segments(const Node& node) const { return {segments_.data() + node.segments, node.lanes + 1u}; }

 private:
  struct Mark;  // ends of the tables before a node's operands were written
  Mark mark() const;
  void check_room(std::size_t slots) const;
  [[noreturn]] void refuse_size() const;
  void make_operand(const Scalars& scalars, bool broadcast);
  Slot intern(Node node, const Mark& before);
  bool equal(const Node& a, const Node& b) const;
  std::uint64_t hash(const Node& node) const;
  std::size_t find(std::uint64_t hash, const Node& node) const;
  void grow_table();

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> node_of_slot_;
  std::vector<Operand> operands_;
  std::vector<Slot> pool_;
  std::vector<std::uint32_t> segments_;
  std::vector<double> constant_values_;  // constant nodes keep their place here in Node::segments
  struct Entry {
    std::uint32_t hash = 0;
    std::uint32_t node = 0;  // 0: empty
  };
  std::vector<Entry> table_;  // open addressing, a power of two, at most half full
  std::size_t interned_ = 0;
  std::size_t summands_ = 0;
  int line_ = 0;
  std::string file_;
};

}  // namespace tenfold::hmc_marg
