// Lowering, second step: chains of additions whose links nobody else reads become one sum, so that an accumulator in a loop of
// N turns costs one instruction instead of N levels.
#include "hmc-marg/lowering.h"

namespace tenfold::hmc_marg::lowering {

namespace {

constexpr std::uint32_t kMinItems = 3;

bool linear(Op op) { return op == Op::add || op == Op::sub || op == Op::neg || op == Op::sum; }

}  // namespace

void Lowering::flatten_sums() {
  const Slot count = graph_.slot_count();
  std::vector<Slot> parent(count, 0);
  std::vector<std::uint32_t> items(count, 0);
  bool any = false;
  for (Slot slot = 1; slot < count; ++slot) {
    if (!computed(slot) || !linear(node(slot).op)) continue;
    std::uint32_t total = 0;
    each_operand(slot, [&](std::uint32_t, Slot s) {
      const bool absorb = uses_[s] == 1 && computed(s) && linear(node(s).op);
      if (absorb) parent[s] = slot;
      any = any || absorb;
      total += absorb ? items[s] : 1;
    });
    items[slot] = total;
  }
  if (!any) return;
  chain_of_.assign(count, 0);
  // Readers come later: from the last to the first, a lane's root is decided before the lane.
  for (Slot slot = count; slot-- > 1;) {
    if (items[slot] == 0) continue;
    if (parent[slot] != 0) {
      if (is_chain(parent[slot]) || has(parent[slot], kAbsorbed)) {
        flags_[slot] |= kAbsorbed;
      }
    } else if (items[slot] >= kMinItems) {
      bool absorbs = node(slot).op != Op::sum;
      if (!absorbs) each_operand(slot, [&](std::uint32_t, Slot s) { absorbs = absorbs || parent[s] == slot; });
      if (absorbs) collect_items(slot, parent);
    }
  }
}

// The leaves from left to right, without recursion: chains may be as long as the data.
void Lowering::collect_items(Slot root, const std::vector<Slot>& parent) {
  const auto begin = static_cast<std::uint32_t>(chain_items_.size());
  std::vector<std::pair<Slot, std::uint32_t>> stack = {{root, 0}};
  std::vector<std::pair<Slot, std::uint32_t>> operands;
  while (!stack.empty()) {
    const auto [slot, sign] = stack.back();
    stack.pop_back();
    if (slot != root && parent[slot] == 0) {
      chain_items_.push_back(slot | sign);
      continue;
    }
    const Op op = node(slot).op;
    operands.clear();
    each_operand(slot, [&](std::uint32_t k, Slot s) {
      const bool flip = op == Op::neg || (op == Op::sub && k == 1);
      operands.emplace_back(s, flip ? sign ^ kMinus : sign);
    });
    stack.insert(stack.end(), operands.rbegin(), operands.rend());
  }
  chains_.emplace_back(begin, static_cast<std::uint32_t>(chain_items_.size()) - begin);
  chain_of_[root] = static_cast<std::uint32_t>(chains_.size());
}

std::uint32_t Lowering::segment_size(Slot slot) const {
  if (is_chain(slot)) return chains_[chain_of_[slot] - 1].second;
  const Node& n = node(slot);
  const auto offsets = graph_.segments(n);
  return offsets[slot - n.first + 1] - offsets[slot - n.first];
}

std::uint32_t Lowering::segment_item(Slot slot, std::uint32_t operand, std::uint32_t i) const {
  if (is_chain(slot)) return chain_items_[chains_[chain_of_[slot] - 1].first + i];
  const Node& n = node(slot);
  return graph_.slot_of(graph_.operands(n)[operand], graph_.segments(n)[slot - n.first] + i);
}

}  // namespace tenfold::hmc_marg::lowering
