// Lane-wise operations, and sums and products over segments: known lanes are computed, the others become one node.
#include <fmt/format.h>

#include <algorithm>

#include "hmc-marg/library_parts.h"
#include "hmc-marg/op_lists.h"

namespace tenfold::hmc_marg {

namespace {

// Lanes of a result that is partly known: which ones are open, that is, come from a node.
struct OpenLanes {
  std::vector<std::uint32_t> lanes;
  void fill(Value& out, Slot first) const {
    out.slot.assign(out.number.size(), 0);
    for (std::size_t i = 0; i < lanes.size(); ++i) out.slot[lanes[i]] = first + static_cast<Slot>(i);
  }
};

bool slot_at(const Value& x, std::size_t i) { return !x.slot.empty() && x.slot[x.slot.size() == 1 ? 0 : i] != 0; }
double number_at(const Value& x, std::size_t i) { return x.number[x.number.size() == 1 ? 0 : i]; }

// The scalars of `x` at `lanes`; one scalar stays one, to be broadcast.
Value gather_lanes(const Value& x, std::span<const std::uint32_t> lanes) { return x.size() == 1 ? x : take(x, lanes, kReal, {}); }

void set_slots(Value& out, Slot first) {
  out.slot.resize(out.number.size());
  for (std::size_t i = 0; i < out.slot.size(); ++i) out.slot[i] = first + static_cast<Slot>(i);
}

Value apply(CallContext& context, Op op, std::span<const Value* const> x, Shape shape) {
  const std::size_t n = scalar_count(shape.dims);
  const auto value = info(op).value;
  const bool two = x.size() == 2;
  Value out{shape.type, std::move(shape.dims), std::vector<double>(n, 0.0), {}};
  const auto compute = [&](std::size_t i) { return value(number_at(*x[0], i), two ? number_at(*x[1], i) : 0.0); };
  const bool known = x[0]->known() && (!two || x[1]->known());
  if (known || n == 0) {
    for (std::size_t i = 0; i < n; ++i) out.number[i] = compute(i);
    return out;
  }
  OpenLanes open;
  for (std::size_t i = 0; i < n; ++i) {
    if (slot_at(*x[0], i) || (two && slot_at(*x[1], i)))
      open.lanes.push_back(static_cast<std::uint32_t>(i));
    else
      out.number[i] = compute(i);
  }
  Graph& graph = graph_of(context);
  if (open.lanes.size() == n) {
    const Scalars operands[2] = {scalars(*x[0]), scalars(*x[two ? 1 : 0])};
    set_slots(out, graph.lane_wise(op, {operands, x.size()}, static_cast<std::uint32_t>(n)));
    return out;
  }
  if (open.lanes.empty()) return out;
  const Value left = gather_lanes(*x[0], open.lanes), right = two ? gather_lanes(*x[1], open.lanes) : Value{};
  const Scalars operands[2] = {scalars(left), scalars(right)};
  open.fill(out, graph.lane_wise(op, {operands, x.size()}, static_cast<std::uint32_t>(open.lanes.size())));
  return out;
}

bool any_slot(const Value& x, std::size_t begin, std::size_t end) {
  if (x.slot.empty()) return false;
  for (std::size_t k = begin; k < end; ++k)
    if (x.slot[k]) return true;
  return false;
}

// Known summands go together into one, and a sum of one unknown needs no node.
Value sum_of_mixed(CallContext& context, const Value& x) {
  double known = 0;
  std::vector<std::uint32_t> open;
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (x.slot[k])
      open.push_back(static_cast<std::uint32_t>(k));
    else
      known += x.number[k];
  }
  const Value rest = take(x, open, kVector, {static_cast<int>(open.size())});
  Value sum = reshaped(rest, kReal, {});
  if (open.size() > 1) {
    const std::uint32_t offsets[2] = {0, static_cast<std::uint32_t>(open.size())};
    sum = reduce(context, Op::sum, rest, offsets, {kReal, {}});
  }
  return binary(context, Op::add, sum, real_scalar(known));
}

}  // namespace

Shape broadcast(const CallContext& context, std::string_view what, const Value& x, const Value& y) {
  const auto real = [](Type type) {
    if (type.base == Base::integer) type.base = Base::real;
    return type;
  };
  if (is_scalar(x)) return {real(y.type), y.dims};
  if (is_scalar(y)) return {real(x.type), x.dims};
  if (x.dims != y.dims)
    call_error(context, fmt::format("{}: sizes {} and {} do not match", what, dims_text(x.dims), dims_text(y.dims)));
  return is_integer(x) ? Shape{real(y.type), y.dims} : Shape{real(x.type), x.dims};
}

Value lanes(CallContext& context, Op op, const Value& x, Shape shape) {
  const Value* const operands[1] = {&x};
  return apply(context, op, operands, std::move(shape));
}

Value lanes(CallContext& context, Op op, const Value& x, const Value& y, Shape shape) {
  const Value* const operands[2] = {&x, &y};
  return apply(context, op, operands, std::move(shape));
}

Value unary(CallContext& context, Op op, const Value& x) {
  Type type = x.type;
  if (type.base == Base::integer) type.base = Base::real;
  return lanes(context, op, x, {type, x.dims});
}

Value binary(CallContext& context, Op op, const Value& x, const Value& y) {
  Shape shape = broadcast(context, info(op).name, x, y);
  const auto same_shape = [&](const Value& v) { return v.dims == shape.dims; };
  // Exact identities of an operand that stays: x + 0, x - 0, 1 * x, x / 1. (0 * x is not 0 for an infinite x.)
  if (!x.known() && same_shape(x) && y.known() && y.size() > 0) {
    if (((op == Op::add || op == Op::sub) && all_equal(y, 0)) || ((op == Op::mul || op == Op::div) && all_equal(y, 1)))
      return reshaped(x, shape.type, std::move(shape.dims));
  }
  if (!y.known() && same_shape(y) && x.known() && x.size() > 0) {
    if ((op == Op::add && all_equal(x, 0)) || (op == Op::mul && all_equal(x, 1)))
      return reshaped(y, shape.type, std::move(shape.dims));
  }
  return lanes(context, op, x, y, std::move(shape));
}

Value power(CallContext& context, const Value& x, const Value& y) {
  if (!x.known() && y.known() && is_scalar(y)) {
    const double exponent = y.number[0];
    if (exponent == 1) return x;
    if (exponent == 2) return unary(context, Op::square, x);
    if (exponent == 0.5) return unary(context, Op::sqrt, x);
    if (exponent == -1) return unary(context, Op::inv, x);
    if (exponent == -2) return unary(context, Op::inv_square, x);
    if (exponent == -0.5) return unary(context, Op::inv_sqrt, x);
  }
  return binary(context, Op::pow, x, y);
}

std::vector<std::uint32_t> equal_segments(std::size_t count, std::size_t length) {
  std::vector<std::uint32_t> offsets(count + 1);
  for (std::size_t i = 0; i <= count; ++i) offsets[i] = static_cast<std::uint32_t>(i * length);
  return offsets;
}

Value reduce(CallContext& context, Op op, const Value& x, std::span<const std::uint32_t> offsets, Shape shape) {
  const std::size_t n = offsets.size() - 1;
  Value out{shape.type, std::move(shape.dims), std::vector<double>(n, 0.0), {}};
  OpenLanes open;
  std::vector<std::uint32_t> places, open_offsets{0};
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t begin = offsets[i], end = offsets[i + 1];
    if (!any_slot(x, begin, end)) {
      out.number[i] = segment_value(op, x.number.data() + begin, nullptr, end - begin);
      continue;
    }
    open.lanes.push_back(static_cast<std::uint32_t>(i));
    for (std::size_t k = begin; k < end; ++k) places.push_back(static_cast<std::uint32_t>(k));
    open_offsets.push_back(static_cast<std::uint32_t>(places.size()));
  }
  if (open.lanes.empty()) return out;
  if (places.size() == open.lanes.size()) {  // a single element each: the sum, product, extremum of x is x
    out.slot.assign(n, 0);
    for (std::size_t i = 0; i < open.lanes.size(); ++i) out.slot[open.lanes[i]] = x.slot[places[i]];
    return out;
  }
  Graph& graph = graph_of(context);
  const Value gathered = open.lanes.size() == n ? Value{} : take(x, places, kReal, {});
  const Scalars operand[1] = {scalars(open.lanes.size() == n ? x : gathered)};
  open.fill(out, graph.segmented(op, operand, open_offsets));
  return out;
}

Value reduce_all(CallContext& context, Op op, const Value& x) {
  const std::uint32_t offsets[2] = {0, static_cast<std::uint32_t>(x.size())};
  return reduce(context, op, x, offsets, {kReal, {}});
}

Value sum_of(CallContext& context, const Value& x) {
  return x.known() || fully_unknown(x) ? reduce_all(context, Op::sum, x) : sum_of_mixed(context, x);
}

Value dot(CallContext& context, const Value& a, const Value& b, std::span<const std::uint32_t> offsets, Shape shape) {
  if (b.known() && !a.known()) return dot(context, b, a, offsets, std::move(shape));
  const std::size_t n = offsets.size() - 1;
  Value out{shape.type, std::move(shape.dims), std::vector<double>(n, 0.0), {}};
  // Structural zeros of a partly known operand (a triangular factor) are left out; a wholly known one keeps its zeros, so that
  // its rows stay one block.
  const auto is_structural_zero = [](const Value& v, std::size_t k) { return !v.known() && v.slot[k] == 0 && v.number[k] == 0; };
  OpenLanes open;
  std::vector<std::uint32_t> places, open_offsets{0};
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t begin = offsets[i], end = offsets[i + 1];
    const std::size_t before = places.size();
    if (any_slot(a, begin, end) || any_slot(b, begin, end))
      for (std::size_t k = begin; k < end; ++k)
        if (!is_structural_zero(a, k) && !is_structural_zero(b, k)) places.push_back(static_cast<std::uint32_t>(k));
    const bool has_slots = std::any_of(places.begin() + static_cast<std::ptrdiff_t>(before), places.end(),
                                       [&](std::uint32_t k) { return slot_at(a, k) || slot_at(b, k); });
    if (!has_slots) {
      places.resize(before);
      for (std::size_t k = begin; k < end; ++k) out.number[i] += a.number[k] * b.number[k];
      continue;
    }
    open.lanes.push_back(static_cast<std::uint32_t>(i));
    open_offsets.push_back(static_cast<std::uint32_t>(places.size()));
  }
  if (open.lanes.empty()) return out;
  const bool whole = places.size() == a.size();
  const Value left = whole ? Value{} : take(a, places, kReal, {}), right = whole ? Value{} : take(b, places, kReal, {});
  const Value &x = whole ? a : left, &y = whole ? b : right;
  if (places.size() == open.lanes.size()) {  // one product a lane
    const Shape one_each{kVector, {static_cast<int>(places.size())}};
    const Value product =
        binary(context, Op::mul, reshaped(x, one_each.type, one_each.dims), reshaped(y, one_each.type, one_each.dims));
    out.slot.assign(n, 0);
    for (std::size_t i = 0; i < open.lanes.size(); ++i) {
      out.number[open.lanes[i]] = product.number[i];
      if (!product.slot.empty()) out.slot[open.lanes[i]] = product.slot[i];
    }
    return out;
  }
  const Scalars operands[2] = {scalars(x), scalars(y)};
  open.fill(out, graph_of(context).segmented(Op::dot, operands, open_offsets));
  return out;
}

Value dot_of(CallContext& context, const Value& a, const Value& b) {
  const std::uint32_t offsets[2] = {0, static_cast<std::uint32_t>(a.size())};
  return dot(context, a, b, offsets, {kReal, {}});
}

Value whole(CallContext& context, Op op, const Value& a, const Value& b, std::size_t rows, Shape shape) {
  const std::size_t n = scalar_count(shape.dims);
  Value out{shape.type, std::move(shape.dims), std::vector<double>(n, 0.0), {}};
  if (n == 0) return out;
  const bool two = b.size() > 0;
  if (a.known() && b.known()) {
    whole_value(op, static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(rows), a.number.data(),
                two ? b.number.data() : nullptr, out.number.data());
    return out;
  }
  const Scalars operands[2] = {scalars(a), scalars(b)};
  set_slots(out, graph_of(context).whole(op, {operands, two ? 2u : 1u}, static_cast<std::uint32_t>(n),
                                         static_cast<std::uint32_t>(rows)));
  return out;
}

Value whole(CallContext& context, Op op, const Value& a, std::size_t rows, Shape shape) {
  return whole(context, op, a, Value{}, rows, std::move(shape));
}

}  // namespace tenfold::hmc_marg
