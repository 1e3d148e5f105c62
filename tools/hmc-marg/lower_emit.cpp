// Lowering, last step: places in the arena, operands as ranges, broadcasts or lists, and the kernels.
#include <algorithm>
#include <bit>

#include "hmc-marg/lowering.h"

namespace tenfold::hmc_marg {

std::shared_ptr<const OpProgram> lower(const Graph& graph, const TargetSpec& spec, InstructionSet set) {
  return lowering::Lowering(graph, spec, set).run();
}

OpProgramSize size_of(const OpProgram& program) {
  const std::size_t arena = program.computed_end + program.constants.size();
  const std::size_t instructions = program.forward.size() + program.reverse.size() + program.outputs_only.size();
  return {
      .instructions = program.forward.size(),
      .values = program.computed_end,
      .logs = program.logs,
      .bytes = arena * 2 * sizeof(double) + program.index.size() * sizeof(std::uint32_t) + instructions * sizeof(Instruction)};
}

namespace lowering {

namespace {

constexpr std::uint32_t kAlign = 8;  // long outputs begin at a cache line

bool transcendental(Op op) {
  switch (op) {
    case Op::neg:
    case Op::abs:
    case Op::square:
    case Op::inv:
    case Op::sqrt:
    case Op::inv_sqrt:
    case Op::inv_square:
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::fmin:
    case Op::fmax:
    case Op::fdim:
    case Op::sum:
    case Op::dot:
    case Op::minimum:
    case Op::maximum:
    case Op::product:
    case Op::cumulative_sum:
    case Op::cholesky:
    case Op::solve_lower:
    case Op::solve_lower_transposed: return false;
    default: return true;
  }
}

bool all_equal(std::span<const double> x) {
  return std::ranges::all_of(x, [&](double v) { return std::bit_cast<std::uint64_t>(v) == std::bit_cast<std::uint64_t>(x[0]); });
}

}  // namespace

Lowering::Lowering(const Graph& graph, const TargetSpec& spec, InstructionSet set)
    : graph_(graph),
      spec_(spec),
      set_(set),
      kernels_(kernels(set)),
      flags_(graph.slot_count()),
      uses_(graph.slot_count()),
      multiplicity_(graph.slot_count()) {}

std::shared_ptr<const OpProgram> Lowering::run() {
  mark_roots();
  mark_needed();
  mark_varying();
  settle_factors();
  flatten_sums();
  find_depths();
  pack();
  place_outputs();
  for (const Group& group : groups_) emit(group);
  emit_terms();
  for (const Slot slot : spec_.nonnegative) program_.nonnegative.push_back(place(slot));
  for (const Slot slot : spec_.outputs) program_.outputs.push_back(place(slot));
  bind_factors();
  std::ranges::reverse(program_.reverse);
  return std::make_shared<const OpProgram>(std::move(program_));
}

void Lowering::place_outputs() {
  place_.assign(graph_.slot_count(), kNoPlace);
  program_.inputs = static_cast<std::uint32_t>(spec_.inputs.size());
  for (std::uint32_t i = 0; i < program_.inputs; ++i) place_[spec_.inputs[i]] = i;
  std::uint64_t end = program_.inputs;
  for (Group& group : groups_) {
    const Slot first = lanes_[group.begin];
    if (has(first, kFactor)) continue;
    const bool is_whole = whole(op_of(first));
    const std::uint32_t size = is_whole ? node(first).lanes : group.end - group.begin;
    if (size >= kAlign) end = (end + kAlign - 1) / kAlign * kAlign;
    group.out = static_cast<std::uint32_t>(end);
    for (std::uint32_t i = 0; i < size; ++i) {
      const Slot slot = is_whole ? node(first).first + i : lanes_[group.begin + i];
      if (!has(slot, kInput)) place_[slot] = static_cast<std::uint32_t>(end) + i;
    }
    end += size;
  }
  end = (end + kAlign - 1) / kAlign * kAlign;
  program_.computed_end = static_cast<std::uint32_t>(end);
}

std::uint32_t Lowering::constant_place(double value) {
  const auto [at, fresh] = scalar_constants_.try_emplace(
      std::bit_cast<std::uint64_t>(value), program_.computed_end + static_cast<std::uint32_t>(program_.constants.size()));
  if (fresh) program_.constants.push_back(value);
  return at->second;
}

// A stretch of constants, shared where the same numbers stand already.
std::uint32_t Lowering::constant_block(std::span<const double> values) {
  std::uint64_t hash = values.size();
  for (const double v : values) {
    hash = (hash ^ std::bit_cast<std::uint64_t>(v)) * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 32;
  }
  const auto size = static_cast<std::uint32_t>(values.size());
  const auto same = [](double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); };
  if (const auto found = blocks_.find(hash); found != blocks_.end() && found->second.second == size) {
    const std::uint32_t at = found->second.first;
    if (std::equal(values.begin(), values.end(), program_.constants.begin() + (at - program_.computed_end), same)) return at;
  }
  if (size >= kAlign) program_.constants.resize((program_.constants.size() + kAlign - 1) / kAlign * kAlign, 0.0);
  const auto at = program_.computed_end + static_cast<std::uint32_t>(program_.constants.size());
  program_.constants.insert(program_.constants.end(), values.begin(), values.end());
  blocks_.insert_or_assign(hash, std::pair(at, size));
  return at;
}

std::uint32_t Lowering::place(Slot slot) {
  if (known(slot)) return constant_place(graph_.constant_value(slot));
  return place_[slot];
}

Lowering::Source Lowering::operand_of(const Group& group, std::uint32_t operand) {
  Source source;
  const std::uint32_t size = group.end - group.begin;
  source.slot.resize(size);
  source.known = true;
  for (std::uint32_t i = 0; i < size; ++i) {
    const Slot lane = lanes_[group.begin + i];
    const Node& n = node(lane);
    const Slot s = operand_slot(n, operand, lane - n.first);
    source.slot[i] = s;
    source.known = source.known && known(s);
    source.varies = source.varies || has(s, kVaries);
  }
  if (source.known) {
    source.number.resize(size);
    for (std::uint32_t i = 0; i < size; ++i) source.number[i] = graph_.constant_value(source.slot[i]);
  }
  return source;
}

// The shortest form of a list of scalars: one for all, a range, or a listing.
void Lowering::set_operand(Instruction& in, int k, const Source& source) {
  if (source.varies) in.varies |= static_cast<std::uint8_t>(1u << k);
  if (source.known) {
    const bool single = !source.number.empty() && all_equal(source.number);
    in.kind[k] = single ? OperandKind::single : OperandKind::range;
    in.at[k] = single ? constant_place(source.number[0]) : constant_block(source.number);
    return;
  }
  const std::size_t size = source.slot.size();
  const std::uint32_t first = place(source.slot[0]);
  bool same = true, consecutive = true;
  for (std::size_t i = 1; i < size; ++i) {
    const std::uint32_t p = place(source.slot[i]);
    same = same && p == first;
    consecutive = consecutive && p == first + i;
  }
  if (same || consecutive) {
    in.kind[k] = same ? OperandKind::single : OperandKind::range;
    in.at[k] = first;
    return;
  }
  in.kind[k] = OperandKind::list;
  in.at[k] = static_cast<std::uint32_t>(program_.index.size());
  for (const Slot slot : source.slot) program_.index.push_back(place(slot));
  // Kernels read whole blocks: what stands behind the list must be places, too.
  program_.index.insert(program_.index.end(), kAlign - 1, first);
}

void Lowering::emit(const Group& group) {
  const Slot first = lanes_[group.begin];
  const Op op = op_of(first);
  Instruction in;
  in.lanes = whole(op) ? node(first).lanes : group.end - group.begin;
  in.out = group.out;
  if (lane_wise(op)) {
    emit_lane_wise(group, in);
  } else if (op == Op::density) {
    has(first, kFactor) ? emit_factor(group, in) : emit_density(group, in);
  } else if (segmented(op)) {
    emit_segments(group, in);
  } else {
    emit_whole(group, in);
  }
  if (transcendental(op) && !in.factor) program_.logs += in.lanes;
  if (!has(first, kTarget)) {
    program_.outputs_only.push_back(in);
    return;
  }
  program_.forward.push_back(in);
  if (has(first, kActive) && has(first, kVaries) && !in.factor) program_.reverse.push_back(in);
}

void Lowering::emit_lane_wise(const Group& group, Instruction& in) {
  const Op op = node(lanes_[group.begin]).op;
  const int arity = info(op).arity;
  for (int k = 0; k < arity; ++k) set_operand(in, k, operand_of(group, static_cast<std::uint32_t>(k)));
  const KernelPair forward = kernels_.forward[static_cast<int>(op)];
  const KernelPair reverse = kernels_.reverse[static_cast<int>(op)];
  if (forward.lanes == nullptr) {
    in.scalar = &info(op);
    in.forward = general::lane_wise_forward;
    in.reverse = general::lane_wise_reverse;
  } else if (in.lanes == 1) {
    in.forward = forward.one;
    in.reverse = reverse.one;
  } else {
    in.forward = forward.lanes;
    in.reverse = reverse.lanes;
  }
}

void Lowering::emit_segments(const Group& group, Instruction& in) {
  const Slot first = lanes_[group.begin];
  const Op op = op_of(first);
  const std::uint32_t items = segment_size(first);
  if ((op == Op::sum || op == Op::log_sum_exp) && in.lanes > 1 && items <= kMaxNary) return emit_nary(group, in, items);
  if (op == Op::dot && in.lanes > 1 && items > 0 && emit_dense(group, in)) return;

  std::uint32_t longest = 0;
  for (int k = 0; k < info(op).arity; ++k) {
    Source source;
    source.known = true;
    std::vector<Slot> minus;
    for (std::uint32_t l = group.begin; l < group.end; ++l) {
      const std::uint32_t n = segment_size(lanes_[l]);
      longest = std::max(longest, n);
      for (std::uint32_t i = 0; i < n; ++i) {
        const std::uint32_t entry = segment_item(lanes_[l], static_cast<std::uint32_t>(k), i);
        ((entry & kMinus) != 0 ? minus : source.slot).push_back(entry & ~kMinus);
      }
    }
    if (!minus.empty()) {  // one lane: the added before the subtracted
      in.items = 1;
      in.at[1] = static_cast<std::uint32_t>(source.slot.size());
      source.slot.insert(source.slot.end(), minus.begin(), minus.end());
    }
    for (const Slot s : source.slot) {
      source.known = source.known && known(s);
      source.varies = source.varies || has(s, kVaries);
    }
    if (source.known) {
      for (const Slot s : source.slot) source.number.push_back(graph_.constant_value(s));
    }
    set_operand(in, k, source);
  }
  in.extra = static_cast<std::uint32_t>(program_.index.size());
  std::uint32_t offset = 0;
  program_.index.push_back(0);
  for (std::uint32_t l = group.begin; l < group.end; ++l) program_.index.push_back(offset += segment_size(lanes_[l]));
  if (op == Op::sum) {
    in.forward = kernels_.segment_sum_forward;
    in.reverse = kernels_.segment_sum_reverse;
  } else if (op == Op::dot) {
    in.forward = kernels_.segment_dot_forward;
    in.reverse = kernels_.segment_dot_reverse;
  } else {
    in.at[2] = static_cast<std::uint32_t>(op);
    in.forward = general::segment_forward;
    in.reverse = general::segment_reverse;
    program_.workspace = std::max(program_.workspace, std::size_t{2} * longest);
  }
}

// Item by item over all lanes: each item of the sum is one lane-wise operand.
void Lowering::emit_nary(const Group& group, Instruction& in, std::uint32_t items) {
  const Op op = op_of(lanes_[group.begin]);
  std::vector<std::uint32_t> table;
  for (std::uint32_t i = 0; i < items; ++i) {
    Source source;
    source.known = true;
    bool minus = false;
    for (std::uint32_t l = group.begin; l < group.end; ++l) {
      const std::uint32_t entry = segment_item(lanes_[l], 0, i);
      const Slot s = entry & ~kMinus;
      minus = (entry & kMinus) != 0;
      source.slot.push_back(s);
      source.known = source.known && known(s);
      source.varies = source.varies || has(s, kVaries);
    }
    if (source.known) {
      for (const Slot s : source.slot) source.number.push_back(graph_.constant_value(s));
    }
    Instruction one;
    set_operand(one, 0, source);
    table.push_back(one.at[0]);
    table.push_back(static_cast<std::uint32_t>(one.kind[0]) | (minus ? kNaryMinus : 0) | (source.varies ? kNaryVaries : 0));
  }
  in.items = static_cast<std::uint16_t>(items);
  in.extra = static_cast<std::uint32_t>(program_.index.size());
  program_.index.insert(program_.index.end(), table.begin(), table.end());
  in.forward = op == Op::sum ? kernels_.nary_sum_forward : kernels_.nary_log_sum_exp_forward;
  in.reverse = op == Op::sum ? kernels_.nary_sum_reverse : kernels_.nary_log_sum_exp_reverse;
  if (op == Op::log_sum_exp) program_.logs += std::size_t{items} * in.lanes;
}

// Rows of a known matrix, all times the same vector.
bool Lowering::emit_dense(const Group& group, Instruction& in) {
  const Slot first = lanes_[group.begin];
  const std::uint32_t columns = segment_size(first);
  for (std::uint32_t matrix = 0; matrix < 2; ++matrix) {
    const std::uint32_t vector = 1 - matrix;
    bool fits = true;
    for (std::uint32_t l = group.begin; l < group.end && fits; ++l) {
      for (std::uint32_t i = 0; i < columns && fits; ++i) {
        fits = known(segment_item(lanes_[l], matrix, i)) && segment_item(lanes_[l], vector, i) == segment_item(first, vector, i);
      }
    }
    if (!fits) continue;
    std::vector<double> panels((in.lanes + std::size_t{7}) / 8 * 8 * columns, 0.0);
    for (std::uint32_t l = 0; l < in.lanes; ++l) {
      for (std::uint32_t i = 0; i < columns; ++i) {
        panels[(std::size_t{l} / 8 * columns + i) * 8 + l % 8] =
            graph_.constant_value(segment_item(lanes_[group.begin + l], matrix, i));
      }
    }
    Source source;
    for (std::uint32_t i = 0; i < columns; ++i) {
      source.slot.push_back(segment_item(first, vector, i));
      source.varies = source.varies || has(source.slot.back(), kVaries);
    }
    set_operand(in, 1, source);
    in.kind[0] = OperandKind::range;
    in.at[0] = constant_block(panels);
    in.extra = columns;
    in.forward = kernels_.dense_forward;
    in.reverse = kernels_.dense_reverse;
    return true;
  }
  return false;
}

void Lowering::emit_whole(const Group& group, Instruction& in) {
  const Node& n = node(lanes_[group.begin]);
  std::size_t scalars = 0;
  for (std::uint32_t k = 0; k < n.arity; ++k) {
    const Operand& operand = graph_.operands(n)[k];
    Source source;
    source.known = true;
    for (std::uint32_t i = 0; i < operand.size; ++i) {
      const Slot s = graph_.slot_of(operand, i);
      source.slot.push_back(s);
      source.known = source.known && known(s);
      source.varies = source.varies || has(s, kVaries);
    }
    if (source.known) {
      for (const Slot s : source.slot) source.number.push_back(graph_.constant_value(s));
    }
    set_operand(in, static_cast<int>(k), source);
    if (k == 0) in.at[3] = operand.size;
    scalars += operand.size;
  }
  in.at[2] = static_cast<std::uint32_t>(n.op);
  in.extra = n.rows;
  in.forward = general::whole_forward;
  in.reverse = general::whole_reverse;
  program_.workspace = std::max(program_.workspace, 2 * scalars);
}

// Terms of one coefficient on consecutive places go together.
void Lowering::emit_terms() {
  std::vector<std::pair<std::uint32_t, double>> terms;
  for (const auto& [slot, coefficient] : terms_) terms.emplace_back(place(slot), coefficient);
  std::ranges::sort(terms);
  for (const auto& [at, coefficient] : terms) {
    if (!program_.terms.empty()) {
      TermRun& last = program_.terms.back();
      if (last.coefficient == coefficient && last.place + last.lanes == at) {
        ++last.lanes;
        continue;
      }
    }
    program_.terms.push_back({at, 1, coefficient});
  }
}

void Lowering::bind_factors() {
  for (const auto& factor : spec_.factors) {
    std::vector<std::uint32_t> places;
    for (const Slot slot : factor->inputs()) places.push_back(place(slot));
    program_.factors.push_back(factor->bound(places));
    program_.factor_workspace.push_back(program_.workspace);
    program_.workspace += factor->workspace_size();
  }
  program_.before_factors = program_.forward.size();
  if (spec_.factors.empty()) return;
  // Densities have no outputs, so nothing waits for them. Behind the factors, whose long chains of dependent operations the
  // gradient does wait for, they fill the processor's idle slots; before them they would hold them up.
  const auto densities =
      std::stable_partition(program_.forward.begin(), program_.forward.end(), [](const Instruction& in) { return !in.factor; });
  program_.before_factors = static_cast<std::size_t>(densities - program_.forward.begin());
}

}  // namespace lowering

}  // namespace tenfold::hmc_marg
