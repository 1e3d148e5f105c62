// Lowering, third step: lanes of equal operation and depth become one vector instruction, in the order in which they were made.
#include <algorithm>

#include "hmc-marg/lowering.h"

namespace tenfold::hmc_marg::lowering {

namespace {

// What lanes of one instruction have in common.
struct Key {
  std::uint64_t what = 0;  // depth, operation, family, flags, operands that vary, operands that are known
  std::uint64_t size = 0;  // segments: items and their signs; whole operations and long signed sums: the lane itself
  bool operator==(const Key&) const = default;
};

std::uint64_t mix(std::uint64_t h, std::uint64_t word) {
  h = (h ^ word) * 0x9E3779B97F4A7C15ull;
  return h ^ (h >> 29);
}

// Numbers keys in order of first appearance.
class KeyTable {
 public:
  std::uint32_t number_of(const Key& key) {
    std::size_t i = mix(mix(0, key.what), key.size) & (table_.size() - 1);
    while (table_[i] != 0 && !(keys_[table_[i] - 1] == key)) i = (i + 1) & (table_.size() - 1);
    if (table_[i] != 0) return table_[i] - 1;
    keys_.push_back(key);
    table_[i] = static_cast<std::uint32_t>(keys_.size());
    if (keys_.size() * 2 > table_.size()) grow();
    return static_cast<std::uint32_t>(keys_.size() - 1);
  }
  const std::vector<Key>& keys() const { return keys_; }

 private:
  void grow() {
    table_.assign(table_.size() * 2, 0);
    for (std::uint32_t k = 0; k < keys_.size(); ++k) {
      std::size_t i = mix(mix(0, keys_[k].what), keys_[k].size) & (table_.size() - 1);
      while (table_[i] != 0) i = (i + 1) & (table_.size() - 1);
      table_[i] = k + 1;
    }
  }
  std::vector<Key> keys_;
  std::vector<std::uint32_t> table_ = std::vector<std::uint32_t>(256, 0);
};

// Lanes that share an operand, from which on they are worth an instruction of their own: a gather and a scatter a lane against
// about 5 ns; a density spares a logarithm and a division a lane besides.
constexpr std::uint32_t kMinBroadcast = 16;
constexpr std::uint32_t kMinDensityBroadcast = 6;

}  // namespace

void Lowering::find_depths() {
  depth_.assign(graph_.slot_count(), 0);
  for (Slot slot = 1; slot < graph_.slot_count(); ++slot) {
    if (!computed(slot)) continue;
    const Node& n = node(slot);
    if (whole(n.op) && slot != n.first && computed(n.first)) {
      depth_[slot] = depth_[n.first];
      continue;
    }
    std::uint32_t deepest = 0;
    each_read(slot, [&](std::uint32_t, Slot s) { deepest = std::max(deepest, depth_[s]); });
    depth_[slot] = deepest + 1;
  }
}

void Lowering::pack() {
  KeyTable table;
  std::vector<std::uint32_t> number;
  std::vector<Slot> lanes;
  for (Slot slot = 1; slot < graph_.slot_count(); ++slot) {
    if (!computed(slot)) continue;
    const Node& n = node(slot);
    const Op op = op_of(slot);
    std::uint64_t varies = 0, other = 0;
    Key key;
    if (whole(op)) {
      // Once a node, at its first computed lane.
      Slot first = n.first;
      while (!computed(first)) ++first;
      if (slot != first) continue;
      key.size = slot;
    }
    each_read(slot, [&](std::uint32_t k, Slot s) {
      if (has(s, kVaries)) varies |= 1u << k;
      if (!known(s)) other |= 1u << k;
    });
    if (segmented(op)) {
      const std::uint32_t items = segment_size(slot);
      std::uint64_t signs = 0;
      if (is_chain(slot)) {
        for (std::uint32_t i = 0; i < items; ++i) {
          if (segment_item(slot, 0, i) & kMinus) signs |= std::uint64_t{1} << (i % 32);
        }
      }
      key.size = signs != 0 && items > kMaxNary ? std::uint64_t{1} << 63 | slot : std::uint64_t{items} << 32 | signs;
    }
    const std::uint64_t flags = flags_[slot] & (kTarget | kActive | kVaries | kFactor);
    const std::uint64_t family = op == Op::density ? static_cast<std::uint64_t>(n.density) : 0;
    key.what = std::uint64_t{depth_[slot]} << 32 | static_cast<std::uint64_t>(op) << 24 | family << 16 | flags << 8 |
               varies << 4 | other;
    number.push_back(table.number_of(key));
    lanes.push_back(slot);
  }

  // Counting sort: groups keep creation order inside.
  const std::size_t groups = table.keys().size();
  std::vector<std::uint32_t> begin(groups + 1, 0);
  for (const std::uint32_t g : number) ++begin[g + 1];
  for (std::size_t g = 0; g < groups; ++g) begin[g + 1] += begin[g];
  std::vector<std::uint32_t> next(begin.begin(), begin.end() - 1);
  lanes_.resize(lanes.size());
  for (std::size_t i = 0; i < lanes.size(); ++i) lanes_[next[number[i]]++] = lanes[i];

  count_.assign(graph_.slot_count(), 0);
  for (std::size_t g = 0; g < groups; ++g) {
    split(begin[g], begin[g + 1], static_cast<std::uint32_t>(table.keys()[g].what >> 32));
  }
  std::ranges::sort(groups_, {}, [](const Group& group) { return std::pair(group.depth, group.begin); });
}

// Lanes that share an operand are set apart: it is then read once, and its adjoint is a sum instead of a scatter.
void Lowering::split(std::uint32_t begin, std::uint32_t end, std::uint32_t depth) {
  const std::uint32_t size = end - begin;
  const Op op = op_of(lanes_[begin]);
  const std::uint32_t least = op == Op::density ? kMinDensityBroadcast : kMinBroadcast;
  if (size < 2 * least || whole(op)) {
    groups_.push_back({begin, end, depth, 0});
    return;
  }
  const std::span<Slot> lanes(lanes_.data() + begin, size);
  const std::uint32_t threshold = std::max(least, size / 16);
  std::vector<std::uint64_t> signature(size, 0);
  // f(lane, i): the i-th operand that counts, or 0.
  const auto sign_by = [&](auto operand) {
    for (const Slot lane : lanes) ++count_[operand(lane)];
    for (std::uint32_t i = 0; i < size; ++i) {
      const Slot s = operand(lanes[i]);
      signature[i] = mix(signature[i], s != 0 && count_[s] >= threshold ? s : 0);
    }
    for (const Slot lane : lanes) count_[operand(lane)] = 0;
  };
  const auto unless_known = [&](Slot s) { return known(s) ? Slot{0} : s; };
  if (segmented(op)) {
    const std::uint32_t items = segment_size(lanes[0]);
    const std::uint32_t looked_at = op == Op::dot ? std::min(items, 1u) : items <= kMaxNary ? items : 0;
    for (std::uint32_t k = 0; k < (op == Op::dot ? 2u : 1u); ++k) {
      for (std::uint32_t i = 0; i < looked_at; ++i) {
        sign_by([&](Slot lane) { return unless_known(segment_item(lane, k, i) & ~kMinus); });
      }
    }
  } else {
    for (std::uint32_t k = 0; k < node(lanes[0]).arity; ++k) {
      sign_by([&](Slot lane) { return unless_known(operand_slot(node(lane), k, lane - node(lane).first)); });
    }
  }

  // Subgroups in order of first appearance; the small ones stay together.
  std::unordered_map<std::uint64_t, std::uint32_t> number;
  std::vector<std::uint32_t> sizes;
  std::vector<std::uint32_t> subgroup(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    const auto [at, fresh] = number.try_emplace(signature[i], static_cast<std::uint32_t>(sizes.size()));
    if (fresh) sizes.push_back(0);
    subgroup[i] = at->second;
    ++sizes[at->second];
  }
  std::vector<std::uint32_t> start(sizes.size() + 1, 0);
  std::uint32_t rest = 0;
  for (const std::uint32_t n : sizes) rest += n < least ? n : 0;
  std::uint32_t at = rest;
  for (std::size_t g = 0; g < sizes.size(); ++g) {
    start[g] = at;
    if (sizes[g] >= least) at += sizes[g];
  }
  std::vector<Slot> sorted(size);
  std::uint32_t next_rest = 0;
  std::vector<std::uint32_t> next = start;
  for (std::uint32_t i = 0; i < size; ++i) {
    sorted[sizes[subgroup[i]] < least ? next_rest++ : next[subgroup[i]]++] = lanes[i];
  }
  std::ranges::copy(sorted, lanes.begin());
  if (rest > 0) groups_.push_back({begin, begin + rest, depth, 0});
  for (std::size_t g = 0; g < sizes.size(); ++g) {
    if (sizes[g] >= least) groups_.push_back({begin + start[g], begin + start[g] + sizes[g], depth, 0});
  }
}

}  // namespace tenfold::hmc_marg::lowering
