// The steps of lowering, in order: what is needed (lower_mark), chains of sums (lower_sums), packing (lower_pack), layout and
// instructions (lower_emit). All work on single lanes of the graph's nodes, in time linear in their number.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "hmc-marg/lowered.h"

namespace tenfold::hmc_marg::lowering {

enum Flag : std::uint8_t {
  kInput = 1,     // given
  kTarget = 2,    // the target's value needs it
  kActive = 4,    // the target's derivative goes through it
  kWanted = 8,    // an output needs it
  kVaries = 16,   // depends on an input
  kFactor = 32,   // a density lane that only the target uses: never stored
  kAbsorbed = 64  // part of a longer sum
};

inline constexpr std::uint32_t kMinus = 0x80000000u;  // of an item of a flattened sum
inline constexpr std::uint32_t kMaxNary = 32;         // items a lane up to which sums go item by item over all lanes

// Lanes that become one instruction.
struct Group {
  std::uint32_t begin = 0, end = 0;  // in Lowering::lanes
  std::uint32_t depth = 0;
  std::uint32_t out = 0;
};

class Lowering {
 public:
  Lowering(const Graph& graph, const TargetSpec& spec, InstructionSet set);
  std::shared_ptr<const OpProgram> run();

 private:
  struct Source;  // an operand on its way into an instruction

  // lower_mark.cpp
  void mark_roots();
  void mark_needed();
  void mark_varying();
  void settle_factors();

  // lower_sums.cpp
  void flatten_sums();
  void collect_items(Slot root, const std::vector<Slot>& parent);

  // lower_pack.cpp
  void find_depths();
  void pack();
  void split(std::uint32_t begin, std::uint32_t end, std::uint32_t depth);

  // lower_emit.cpp, lower_factor.cpp
  void place_outputs();
  void emit(const Group& group);
  void emit_lane_wise(const Group& group, Instruction& in);
  void emit_density(const Group& group, Instruction& in);
  void emit_factor(const Group& group, Instruction& in);
  void prepare_factor(Density family, std::vector<Source>& sources, Instruction& in);
  void emit_segments(const Group& group, Instruction& in);
  void emit_nary(const Group& group, Instruction& in, std::uint32_t items);
  bool emit_dense(const Group& group, Instruction& in);
  void emit_whole(const Group& group, Instruction& in);
  void emit_terms();
  void bind_factors();
  Source operand_of(const Group& group, std::uint32_t operand);
  void set_operand(Instruction& in, int k, const Source& source);
  std::uint32_t constant_place(double value);
  std::uint32_t constant_block(std::span<const double> values);
  std::uint32_t place(Slot slot);

  bool has(Slot slot, std::uint8_t flag) const { return (flags_[slot] & flag) != 0; }
  bool known(Slot slot) const { return !has(slot, kInput) && graph_.is_constant(slot); }
  // Computed here: neither given nor a constant, nor part of a sum.
  bool computed(Slot slot) const {
    return (flags_[slot] & (kTarget | kWanted)) != 0 && !has(slot, kInput) && !has(slot, kAbsorbed) && !graph_.is_constant(slot);
  }
  const Node& node(Slot slot) const { return graph_.nodes()[graph_.node_of(slot)]; }
  Slot operand_slot(const Node& node, std::uint32_t operand, std::size_t i) const {
    return graph_.slot_of(graph_.operands(node)[operand], i);
  }
  // Scalars that a lane of a segmented operation reads; of a flattened sum with kMinus.
  std::uint32_t segment_size(Slot slot) const;
  std::uint32_t segment_item(Slot slot, std::uint32_t operand, std::uint32_t i) const;
  bool is_chain(Slot slot) const { return !chain_of_.empty() && chain_of_[slot] != 0; }
  Op op_of(Slot slot) const { return is_chain(slot) ? Op::sum : node(slot).op; }
  template <class F>
  void each_operand(Slot slot, F f) const;  // f(operand, slot read by this lane)
  template <class F>
  void each_read(Slot slot, F f) const;  // the same over the items of a flattened sum

  const Graph& graph_;
  const TargetSpec& spec_;
  InstructionSet set_;
  const KernelTable& kernels_;
  OpProgram program_;

  std::vector<std::uint8_t> flags_;           // a slot each
  std::vector<std::uint32_t> uses_;           // readers of a slot's value
  std::vector<std::uint32_t> multiplicity_;   // how often a density lane enters the target
  std::vector<std::pair<Slot, double>> terms_;
  std::vector<std::uint32_t> chain_of_;       // 1 + index into chains_, 0: none
  std::vector<std::pair<std::uint32_t, std::uint32_t>> chains_;  // begin and size in chain_items_
  std::vector<std::uint32_t> chain_items_;
  std::vector<std::uint32_t> depth_;
  std::vector<Slot> lanes_;                   // computed lanes, group by group
  std::vector<Group> groups_;
  std::vector<std::uint32_t> place_;          // a slot each; kNoPlace: none yet
  std::vector<std::uint32_t> count_;          // scratch: a slot each, all zero between uses
  std::unordered_map<std::uint64_t, std::uint32_t> scalar_constants_;                 // bits -> place
  std::unordered_map<std::uint64_t, std::pair<std::uint32_t, std::uint32_t>> blocks_;  // hash -> place, size
};

inline constexpr std::uint32_t kNoPlace = 0xffffffffu;

// An operand as numbers or slots, one a lane.
struct Lowering::Source {
  bool known = false;
  bool varies = false;
  std::vector<double> number;
  std::vector<Slot> slot;
};

template <class F>
void Lowering::each_operand(Slot slot, F f) const {
  const Node& n = node(slot);
  const auto operands = graph_.operands(n);
  if (lane_wise(n.op) || n.op == Op::density) {
    for (std::uint32_t k = 0; k < n.arity; ++k) f(k, graph_.slot_of(operands[k], slot - n.first));
  } else if (segmented(n.op)) {
    const auto offsets = graph_.segments(n);
    for (std::uint32_t k = 0; k < n.arity; ++k) {
      for (std::uint32_t i = offsets[slot - n.first]; i < offsets[slot - n.first + 1]; ++i) f(k, graph_.slot_of(operands[k], i));
    }
  } else {
    for (std::uint32_t k = 0; k < n.arity; ++k) {
      for (std::uint32_t i = 0; i < operands[k].size; ++i) f(k, graph_.slot_of(operands[k], i));
    }
  }
}

template <class F>
void Lowering::each_read(Slot slot, F f) const {
  if (!is_chain(slot)) return each_operand(slot, f);
  const auto [begin, size] = chains_[chain_of_[slot] - 1];
  for (std::uint32_t i = begin; i < begin + size; ++i) f(0u, chain_items_[i] & ~kMinus);
}

// Whole operations read all their operands for every lane: handle them once, at their first lane.
inline bool whole(Op op) { return op >= Op::softmax && op <= Op::solve_lower_transposed; }

}  // namespace tenfold::hmc_marg::lowering
