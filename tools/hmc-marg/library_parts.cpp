// Values from numbers and slots, and the arguments that a call insists on knowing.
#include "hmc-marg/library_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tenfold::hmc_marg {

std::size_t scalar_count(std::span<const int> dims) {
  std::size_t count = 1;
  for (const int dim : dims) count *= static_cast<std::size_t>(dim);
  return count;
}

std::size_t allowed_count(const CallContext& context, std::span<const int> dims) {
  constexpr double kMost = 1e8;
  double count = 1;
  for (const int dim : dims) count *= dim;
  if (count > kMost) call_error(context, fmt::format("a container {} has more than 100 million elements", dims_text(dims)));
  return static_cast<std::size_t>(count);
}

std::string dims_text(std::span<const int> dims) {
  if (dims.empty()) return "a scalar";
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "]";
}

bool fully_unknown(const Value& x) { return !x.slot.empty() && std::find(x.slot.begin(), x.slot.end(), Slot{0}) == x.slot.end(); }

bool all_equal(const Value& x, double number) {
  return x.known() && std::all_of(x.number.begin(), x.number.end(), [number](double v) { return v == number; });
}

Value known_value(Type type, std::vector<int> dims, std::vector<double> number) {
  return {type, std::move(dims), std::move(number), {}};
}

Value known_scalar(double number, Base base) { return {Type{base, 0}, {}, {number}, {}}; }
Value real_scalar(double number) { return known_scalar(number, Base::real); }
Value integer_scalar(double number) { return known_scalar(number, Base::integer); }

Value reshaped(const Value& x, Type type, std::vector<int> dims) { return {type, std::move(dims), x.number, x.slot}; }

Value take(const Value& from, std::span<const std::uint32_t> places, Type type, std::vector<int> dims) {
  Value out{type, std::move(dims), std::vector<double>(places.size()), {}};
  for (std::size_t i = 0; i < places.size(); ++i) out.number[i] = from.number[places[i]];
  if (from.known()) return out;
  out.slot.resize(places.size());
  bool any = false;
  for (std::size_t i = 0; i < places.size(); ++i) any |= (out.slot[i] = from.slot[places[i]]) != 0;
  if (!any) out.slot.clear();
  return out;
}

Value range_of(const Value& x, std::size_t first, std::size_t size, Type type, std::vector<int> dims) {
  const auto begin = static_cast<std::ptrdiff_t>(first), end = static_cast<std::ptrdiff_t>(first + size);
  Value out{type, std::move(dims), {x.number.begin() + begin, x.number.begin() + end}, {}};
  if (x.known()) return out;
  out.slot.assign(x.slot.begin() + begin, x.slot.begin() + end);
  if (std::all_of(out.slot.begin(), out.slot.end(), [](Slot slot) { return slot == 0; })) out.slot.clear();
  return out;
}

Value join(std::span<const Value* const> parts, Type type, std::vector<int> dims) {
  Value out{type, std::move(dims), {}, {}};
  std::size_t size = 0;
  bool known = true;
  for (const Value* part : parts) {
    size += part->size();
    known &= part->known();
  }
  out.number.reserve(size);
  for (const Value* part : parts) out.number.insert(out.number.end(), part->number.begin(), part->number.end());
  if (known) return out;
  out.slot.reserve(size);
  for (const Value* part : parts) {
    if (part->known())
      out.slot.resize(out.slot.size() + part->size(), 0);
    else
      out.slot.insert(out.slot.end(), part->slot.begin(), part->slot.end());
  }
  return out;
}

Value join(std::initializer_list<const Value*> parts, Type type, std::vector<int> dims) {
  return join(std::span<const Value* const>(parts.begin(), parts.size()), type, std::move(dims));
}

Extent extent_of(const Value& x) {
  switch (x.type.base) {
    case Base::vector: return {x.size(), 1};
    case Base::row_vector: return {1, x.size()};
    case Base::matrix: return {static_cast<std::size_t>(x.dims[0]), static_cast<std::size_t>(x.dims[1])};
    default: return {1, 1};
  }
}

Value transposed(const Value& x) {
  if (x.type.base == Base::vector) return reshaped(x, kRowVector, x.dims);
  if (x.type.base == Base::row_vector) return reshaped(x, kVector, x.dims);
  if (x.type.base != Base::matrix) return x;
  const auto [rows, columns] = extent_of(x);
  std::vector<std::uint32_t> places;
  places.reserve(rows * columns);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) places.push_back(static_cast<std::uint32_t>(j * rows + i));
  return take(x, places, kMatrix, {x.dims[1], x.dims[0]});
}

void require_known(const CallContext& context, const Value& x, std::string_view what) {
  if (!x.known())
    call_error(context, fmt::format("{} depends on a parameter, and must be known before sampling; compute it from data", what));
}

int integer_argument(const CallContext& context, const Value& x, std::string_view what) {
  require_known(context, x, what);
  const double number = x.number.at(0);
  if (!(std::fabs(number) <= std::numeric_limits<int>::max()) || number != std::floor(number))
    call_error(context, fmt::format("{} is {}, and must be an integer", what, number));
  return static_cast<int>(number);
}

int size_argument(const CallContext& context, const Value& x, std::string_view what) {
  const int size = integer_argument(context, x, what);
  if (size < 0) call_error(context, fmt::format("{} is {}, and must not be negative", what, size));
  return size;
}

Graph& graph_of(const CallContext& context) {
  if (!context.graph) call_error(context, "this depends on a parameter, and only known numbers can be used here");
  context.graph->set_line(context.at.line);
  return *context.graph;
}

}  // namespace tenfold::hmc_marg
