// Hash-consing: nodes are found again by a flat hash table over their operation and operands.
#include "hmc-marg/graph.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/error.h"

namespace tenfold::hmc_marg {

namespace {

constexpr std::size_t kMaxListed = 500'000'000;  // operand lists: 2 GB

std::uint64_t mix(std::uint64_t h, std::uint64_t word) {
  h ^= word * 0x9E3779B97F4A7C15ull;
  h = std::rotl(h, 29) * 0xBF58476D1CE4E5B9ull;
  return h ^ (h >> 32);
}

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

void check_sizes(std::span<const Scalars> operands, std::size_t size) {
  for (const Scalars& operand : operands) {
    if (operand.size() != 1 && operand.size() != size) machine_error("an operation of the graph got lists of different sizes");
  }
}

bool commutes(const Node& node) { return node.lanes == 1 && (node.op == Op::add || node.op == Op::mul); }

}  // namespace

struct Graph::Mark {
  std::size_t pool, segments, constants;
};

Graph::Graph() : table_(64) {
  nodes_.push_back({.lanes = 1});
  node_of_slot_.push_back(0);
  constant_values_.push_back(std::numeric_limits<double>::quiet_NaN());
}

Graph::Mark Graph::mark() const { return {pool_.size(), segments_.size(), constant_values_.size()}; }

void Graph::check_room(std::size_t slots) const {
  if (node_of_slot_.size() + slots <= kMostScalars && pool_.size() <= kMaxListed && segments_.size() <= kMaxListed) return;
  refuse_size();
}

void Graph::refuse_size() const {
  input_error(
      at_position(file_, static_cast<std::size_t>(std::max(line_, 0)), 0,
                  "unrolled with its data, the program has more than 20 million scalar operations or summands; shorten the "
                  "loop or the data, or write the computation with vectors"));
}

Slot Graph::constant(double value) { return constants({&value, 1}); }

Slot Graph::constants(std::span<const double> values) {
  if (values.empty()) return 0;
  check_room(values.size());
  const Mark before = mark();
  constant_values_.insert(constant_values_.end(), values.begin(), values.end());
  return intern({.lanes = static_cast<std::uint32_t>(values.size()), .segments = static_cast<std::uint32_t>(before.constants)},
                before);
}

Slot Graph::parameters(std::uint32_t count) {
  if (count == 0) return 0;
  check_room(count);
  const Slot first = slot_count();
  node_of_slot_.insert(node_of_slot_.end(), count, static_cast<std::uint32_t>(nodes_.size()));
  nodes_.push_back({.op = Op::parameter, .lanes = count, .first = first, .line = line_});
  return first;
}

// Appends to operands_ the shortest form of the list: one slot, a range, or a listing.
void Graph::make_operand(const Scalars& scalars, bool broadcast) {
  const std::size_t n = scalars.size();
  const auto size = static_cast<std::uint32_t>(n);
  if (n == 0) {
    operands_.push_back({Operand::Kind::range, 0, 0});
    return;
  }
  const bool known = scalars.known() || std::ranges::all_of(scalars.slot, [](Slot s) { return s == 0; });
  if (known) {
    const std::span<const double> x = scalars.number;
    const bool repeats = std::ranges::all_of(x, [&](double v) { return same_bits(v, x[0]); });
    if (n == 1 || (broadcast && repeats)) {
      const Slot slot = constant(x[0]);
      operands_.push_back({Operand::Kind::single, slot, 1});
    } else {
      const Slot slot = constants(x);
      operands_.push_back({Operand::Kind::range, slot, size});
    }
    return;
  }
  const auto at = [&](std::size_t i) { return scalars.slot[i] != 0 ? scalars.slot[i] : constant(scalars.number[i]); };
  const Slot first = at(0);
  if (n == 1) {
    operands_.push_back({Operand::Kind::single, first, 1});
    return;
  }
  const auto start = static_cast<std::uint32_t>(pool_.size());
  bool repeats = true;
  bool consecutive = true;
  for (std::size_t i = 0; i < n; ++i) {
    const Slot slot = at(i);
    repeats = repeats && slot == first;
    consecutive = consecutive && slot == first + i;
    pool_.push_back(slot);
  }
  if (consecutive || (broadcast && repeats)) {
    pool_.resize(start);
    operands_.push_back(repeats ? Operand{Operand::Kind::single, first, 1} : Operand{Operand::Kind::range, first, size});
  } else {
    operands_.push_back({Operand::Kind::list, start, size});
  }
}

std::uint64_t Graph::hash(const Node& node) const {
  std::uint64_t h = mix(static_cast<std::uint64_t>(node.op) << 8 | static_cast<std::uint64_t>(node.density), node.lanes);
  h = mix(h, node.rows);
  if (node.op == Op::constant) {
    for (std::uint32_t i = 0; i < node.lanes; ++i) {
      h = mix(h, std::bit_cast<std::uint64_t>(constant_values_[node.segments + i]));
    }
    return h;
  }
  for (const Operand& operand : operands(node)) {
    h = mix(h, std::uint64_t{operand.size} << 8 | static_cast<std::uint64_t>(operand.kind));
    if (operand.kind != Operand::Kind::list) {
      h = mix(h, operand.first);
    } else {
      for (std::uint32_t i = 0; i < operand.size; ++i) h = mix(h, pool_[operand.first + i]);
    }
  }
  if (hmc_marg::segmented(node.op)) {
    for (const std::uint32_t offset : segments(node)) h = mix(h, offset);
  }
  return h;
}

bool Graph::equal(const Node& a, const Node& b) const {
  if (a.op != b.op || a.density != b.density || a.lanes != b.lanes || a.rows != b.rows || a.arity != b.arity) return false;
  if (a.op == Op::constant) {
    return std::equal(constant_values_.begin() + a.segments, constant_values_.begin() + a.segments + a.lanes,
                      constant_values_.begin() + b.segments, same_bits);
  }
  for (std::uint32_t i = 0; i < a.arity; ++i) {
    const Operand& x = operands_[a.operands + i];
    const Operand& y = operands_[b.operands + i];
    if (x.kind != y.kind || x.size != y.size) return false;
    const bool same = x.kind == Operand::Kind::list
                          ? std::equal(pool_.begin() + x.first, pool_.begin() + x.first + x.size, pool_.begin() + y.first)
                          : x.first == y.first;
    if (!same) return false;
  }
  return !hmc_marg::segmented(a.op) || std::ranges::equal(segments(a), segments(b));
}

// Position in the table of an equal node, or of the empty entry where it belongs.
std::size_t Graph::find(std::uint64_t hash, const Node& node) const {
  const std::size_t mask = table_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  std::size_t i = static_cast<std::size_t>(hash) & mask;
  while (table_[i].node != 0 && !(table_[i].hash == tag && equal(nodes_[table_[i].node], node))) i = (i + 1) & mask;
  return i;
}

void Graph::grow_table() {
  std::vector<Entry> old(table_.size() * 2);
  old.swap(table_);
  const std::size_t mask = table_.size() - 1;
  for (const Entry& entry : old) {
    if (entry.node == 0) continue;
    std::size_t i = static_cast<std::size_t>(hash(nodes_[entry.node])) & mask;
    while (table_[i].node != 0) i = (i + 1) & mask;
    table_[i] = entry;
  }
}

// The node's operands stand at the ends of the tables since `before`; an equal earlier node takes its place.
Slot Graph::intern(Node node, const Mark& before) {
  node.operands = static_cast<std::uint32_t>(node.op == Op::constant ? 0 : operands_.size() - node.arity);
  if (commutes(node)) {
    Operand& x = operands_[node.operands];
    Operand& y = operands_[node.operands + 1];
    if (y.first < x.first) std::swap(x, y);
  }
  const std::uint64_t h = hash(node);
  std::size_t i = find(h, node);
  if (table_[i].node != 0) {
    const Slot first = nodes_[table_[i].node].first;
    if (node.op == Op::constant) {
      constant_values_.resize(before.constants);
    } else {
      operands_.resize(node.operands);
      pool_.resize(before.pool);
      segments_.resize(before.segments);
    }
    return first;
  }
  node.first = slot_count();
  node.line = line_;
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  node_of_slot_.insert(node_of_slot_.end(), node.lanes, index);
  nodes_.push_back(node);
  table_[i] = {static_cast<std::uint32_t>(h >> 32), index};
  if (++interned_ * 2 > table_.size()) grow_table();
  return node.first;
}

Slot Graph::lane_wise(Op op, std::span<const Scalars> operands, std::uint32_t lanes) {
  if (lanes == 0) return 0;
  check_sizes(operands, lanes);
  check_room(lanes);
  const Mark before = mark();
  for (const Scalars& scalars : operands) make_operand(scalars, true);
  return intern({.op = op, .arity = static_cast<std::uint8_t>(operands.size()), .lanes = lanes}, before);
}

Slot Graph::segmented(Op op, std::span<const Scalars> operands, std::span<const std::uint32_t> offsets) {
  if (offsets.size() < 2) return 0;
  check_sizes(operands, offsets.back());
  check_room(offsets.size() - 1);
  const Mark before = mark();
  for (const Scalars& scalars : operands) make_operand(scalars, true);
  segments_.insert(segments_.end(), offsets.begin(), offsets.end());
  return intern({.op = op,
                 .arity = static_cast<std::uint8_t>(operands.size()),
                 .lanes = static_cast<std::uint32_t>(offsets.size() - 1),
                 .segments = static_cast<std::uint32_t>(before.segments)},
                before);
}

Slot Graph::whole(Op op, std::span<const Scalars> operands, std::uint32_t lanes, std::uint32_t rows) {
  if (lanes == 0) return 0;
  check_room(lanes);
  const Mark before = mark();
  for (const Scalars& scalars : operands) make_operand(scalars, false);
  return intern({.op = op, .arity = static_cast<std::uint8_t>(operands.size()), .lanes = lanes, .rows = rows}, before);
}

Slot Graph::density(Density family, std::span<const Scalars> operands, std::uint32_t lanes) {
  if (lanes == 0) return 0;
  check_sizes(operands, lanes);
  check_room(lanes);
  const Mark before = mark();
  for (const Scalars& scalars : operands) make_operand(scalars, true);
  return intern({.op = Op::density, .density = family, .arity = static_cast<std::uint8_t>(operands.size()), .lanes = lanes},
                before);
}

}  // namespace tenfold::hmc_marg
