// Containers made, joined, converted, measured and sorted. Only the numbers' places change: no node is made.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "hmc-marg/library_parts.h"

namespace tenfold::hmc_marg {

namespace {

Value repeated(const CallContext& context, const Value& x, std::size_t times, Type type, std::vector<int> dims) {
  allowed_count(context, dims);
  std::vector<std::uint32_t> places;
  places.reserve(x.size() * times);
  for (std::size_t t = 0; t < times; ++t)
    for (std::size_t i = 0; i < x.size(); ++i) places.push_back(static_cast<std::uint32_t>(i));
  return take(x, places, type, std::move(dims));
}

Value filled(const CallContext& context, Base base, int n, double number) {
  return known_value({base, 0}, {n}, std::vector<double>(allowed_count(context, std::vector<int>{n}), number));
}

template <Base base>
Value rep_linear(CallContext& context, Arguments args) {
  const int n = size_argument(context, *args[1], "the size of the repeated vector");
  return repeated(context, *args[0], static_cast<std::size_t>(n), {base, 0}, {n});
}

// rep_matrix(x, m, n), rep_matrix(vector, n), rep_matrix(row_vector, m)
Value rep_matrix(CallContext& context, Arguments args) {
  if (args.size() == 3) {
    const int m = size_argument(context, *args[1], "rep_matrix's rows"),
              n = size_argument(context, *args[2], "rep_matrix's columns");
    return repeated(context, *args[0], allowed_count(context, std::vector<int>{m, n}), kMatrix, {m, n});
  }
  const int times = size_argument(context, *args[1], "the times that rep_matrix repeats");
  const int size = static_cast<int>(args[0]->size());
  if (args[0]->type.base == Base::row_vector) {
    const Value columns = repeated(context, *args[0], static_cast<std::size_t>(times), kMatrix, {size, times});
    return transposed(columns);
  }
  return repeated(context, *args[0], static_cast<std::size_t>(times), kMatrix, {size, times});
}

Value rep_array(CallContext& context, Arguments args) {
  std::vector<int> dims;
  for (std::size_t i = 1; i < args.size(); ++i) dims.push_back(size_argument(context, *args[i], "rep_array's size"));
  const std::size_t times = allowed_count(context, dims);
  Type type = args[0]->type;
  type.array_rank += static_cast<int>(dims.size());
  dims.insert(dims.end(), args[0]->dims.begin(), args[0]->dims.end());
  return repeated(context, *args[0], times, type, std::move(dims));
}

template <Base base, int number>
Value constant_linear(CallContext& context, Arguments args) {
  return filled(context, base, size_argument(context, *args[0], "the vector's size"), number);
}

template <Base base, int number>
Value constant_array(CallContext& context, Arguments args) {
  Value out = filled(context, base, size_argument(context, *args[0], "the array's size"), number);
  out.type.array_rank = 1;
  return out;
}

Value identity_matrix(CallContext& context, Arguments args) {
  const int n = size_argument(context, *args[0], "identity_matrix's size");
  Value out = known_value(kMatrix, {n, n}, std::vector<double>(allowed_count(context, std::vector<int>{n, n}), 0.0));
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) out.number[i * static_cast<std::size_t>(n) + i] = 1;
  return out;
}

// linspaced_vector(n, low, high): low + i (high - low) / (n - 1), the last exactly high; n = 1 gives high.
std::vector<double> linspaced(const CallContext& context, Arguments args) {
  const int n = size_argument(context, *args[0], "the size of the linspaced container");
  require_known(context, *args[1], "the lower end of the linspaced container");
  require_known(context, *args[2], "the upper end of the linspaced container");
  const double low = args[1]->number[0], high = args[2]->number[0];
  if (!(low <= high)) call_error(context, fmt::format("linspaced: the ends {} and {} are not in order", low, high));
  std::vector<double> out(allowed_count(context, std::vector<int>{n}), high);
  for (int i = 0; i + 1 < n; ++i) out[static_cast<std::size_t>(i)] = low + i * ((high - low) / (n - 1));
  return out;
}

template <Base base, int array_rank>
Value linspaced_real(CallContext& context, Arguments args) {
  std::vector<double> numbers = linspaced(context, args);
  const int n = static_cast<int>(numbers.size());
  return known_value({base, array_rank}, {n}, std::move(numbers));
}

// Stan's rule for integers: the step is the truncated one, or, where the range has fewer than n values, equal neighbours repeat.
Value linspaced_int_array(CallContext& context, Arguments args) {
  const int n = size_argument(context, *args[0], "the size of the linspaced array");
  const int low = integer_argument(context, *args[1], "the lower end"),
            high = integer_argument(context, *args[2], "the upper end");
  if (low > high) call_error(context, fmt::format("linspaced_int_array: the ends {} and {} are not in order", low, high));
  std::vector<double> out(allowed_count(context, std::vector<int>{n}), high);
  const std::int64_t range = std::int64_t{high} - low, repeats = (n + range) / (range + 1);
  for (std::int64_t i = 0; i < n && n > 1; ++i)
    out[static_cast<std::size_t>(i)] = static_cast<double>(range + 1 < n ? low + i / repeats : low + i * (range / (n - 1)));
  return known_value({Base::integer, 1}, {n}, std::move(out));
}

template <Base base>
Value to_linear(CallContext&, Arguments args) {
  return reshaped(*args[0], {base, 0}, {static_cast<int>(args[0]->size())});
}

Value to_array_1d(CallContext&, Arguments args) {
  const Base base = is_integer(*args[0]) ? Base::integer : Base::real;
  return reshaped(*args[0], {base, 1}, {static_cast<int>(args[0]->size())});
}

Value to_array_2d(CallContext&, Arguments args) { return reshaped(transposed(*args[0]), {Base::real, 2}, args[0]->dims); }

// The places of an m x n matrix read row by row.
std::vector<std::uint32_t> row_by_row(std::size_t m, std::size_t n) {
  std::vector<std::uint32_t> places;
  places.reserve(m * n);
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < m; ++i) places.push_back(static_cast<std::uint32_t>(i * n + j));
  return places;
}

Value to_matrix(CallContext& context, Arguments args) {
  const Value& x = *args[0];
  if (args.size() == 1) {
    if (x.type.array_rank > 0) {  // array[,] of numbers, or array[] row_vector: one row an element
      const int m = x.dims[0], n = x.dims.size() > 1 ? x.dims[1] : 0;
      return take(x, row_by_row(static_cast<std::size_t>(m), static_cast<std::size_t>(n)), kMatrix, {m, n});
    }
    const auto [rows, columns] = extent_of(x);
    return reshaped(x, kMatrix, {static_cast<int>(rows), static_cast<int>(columns)});
  }
  const int m = size_argument(context, *args[1], "to_matrix's rows"), n = size_argument(context, *args[2], "to_matrix's columns");
  if (scalar_count(std::vector<int>{m, n}) != x.size())
    call_error(context, fmt::format("to_matrix: {} numbers do not fill a matrix [{}, {}]", x.size(), m, n));
  const bool column_major = args.size() < 4 || integer_argument(context, *args[3], "to_matrix's order") != 0;
  if (column_major) return reshaped(x, kMatrix, {m, n});
  return take(x, row_by_row(static_cast<std::size_t>(m), static_cast<std::size_t>(n)), kMatrix, {m, n});
}

// Concatenation along columns of memory: the operands one after the other.
Value append_col(CallContext& context, Arguments args) {
  const Value &x = *args[0], &y = *args[1];
  const auto flat = [](const Value& v) { return is_scalar(v) || v.type.base == Base::row_vector; };
  if (flat(x) && flat(y)) return join({&x, &y}, kRowVector, {static_cast<int>(x.size() + y.size())});
  const Extent left = extent_of(x), right = extent_of(y);
  if (left.rows != right.rows)
    call_error(context, fmt::format("append_col: {} rows and {} rows do not match", left.rows, right.rows));
  return join({&x, &y}, kMatrix, {static_cast<int>(left.rows), static_cast<int>(left.columns + right.columns)});
}

Value append_row(CallContext& context, Arguments args) {
  const Value &x = *args[0], &y = *args[1];
  const auto flat = [](const Value& v) { return is_scalar(v) || v.type.base == Base::vector; };
  if (flat(x) && flat(y)) return join({&x, &y}, kVector, {static_cast<int>(x.size() + y.size())});
  const Extent top = extent_of(x), bottom = extent_of(y);
  if (top.columns != bottom.columns)
    call_error(context, fmt::format("append_row: {} columns and {} columns do not match", top.columns, bottom.columns));
  const Value both = join({&x, &y}, kReal, {});
  std::vector<std::uint32_t> places;
  for (std::size_t j = 0; j < top.columns; ++j) {
    for (std::size_t i = 0; i < top.rows; ++i) places.push_back(static_cast<std::uint32_t>(j * top.rows + i));
    for (std::size_t i = 0; i < bottom.rows; ++i) places.push_back(static_cast<std::uint32_t>(x.size() + j * bottom.rows + i));
  }
  return take(both, places, kMatrix, {static_cast<int>(top.rows + bottom.rows), static_cast<int>(top.columns)});
}

Value append_array(CallContext& context, Arguments args) {
  const Value &x = *args[0], &y = *args[1];
  if (y.size() == 0 && y.dims[0] == 0) return x;
  if (x.size() == 0 && x.dims[0] == 0) return y;
  if (!std::equal(x.dims.begin() + 1, x.dims.end(), y.dims.begin() + 1, y.dims.end()))
    call_error(context, fmt::format("append_array: elements of sizes {} and {} do not match",
                                    dims_text(std::span(x.dims).subspan(1)), dims_text(std::span(y.dims).subspan(1))));
  std::vector<int> dims = x.dims;
  dims[0] += y.dims[0];
  Type type = is_integer(x) ? y.type : x.type;
  return join({&x, &y}, type, std::move(dims));
}

Value rows(CallContext&, Arguments args) { return integer_scalar(static_cast<double>(extent_of(*args[0]).rows)); }
Value columns(CallContext&, Arguments args) { return integer_scalar(static_cast<double>(extent_of(*args[0]).columns)); }
Value element_count(CallContext&, Arguments args) { return integer_scalar(static_cast<double>(args[0]->size())); }

Value size(CallContext&, Arguments args) {
  const Value& x = *args[0];
  return integer_scalar(x.type.array_rank > 0 ? x.dims[0] : static_cast<double>(x.size()));
}

Value dims(CallContext&, Arguments args) {
  const std::vector<int>& sizes = args[0]->dims;
  return known_value({Base::integer, 1}, {static_cast<int>(sizes.size())}, {sizes.begin(), sizes.end()});
}

Value reverse(CallContext&, Arguments args) {
  const Value& x = *args[0];
  const std::size_t count = x.dims.empty() ? 1 : static_cast<std::size_t>(x.dims[0]);
  const std::size_t each = count ? x.size() / count : 0;
  std::vector<std::uint32_t> places;
  for (std::size_t i = count; i-- > 0;)
    for (std::size_t k = 0; k < each; ++k) places.push_back(static_cast<std::uint32_t>(i * each + k));
  return take(x, places, x.type, x.dims);
}

std::vector<std::uint32_t> order_of(const CallContext& context, const Value& x, bool descending) {
  require_known(context, x, "the container to sort");
  if (std::any_of(x.number.begin(), x.number.end(), [](double v) { return std::isnan(v); }))
    call_error(context, "a container with NaN cannot be sorted");
  std::vector<std::uint32_t> order(x.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (x.number[a] == x.number[b]) return a < b;
    return descending ? x.number[a] > x.number[b] : x.number[a] < x.number[b];
  });
  return order;
}

template <bool descending>
Value sort(CallContext& context, Arguments args) {
  return take(*args[0], order_of(context, *args[0], descending), args[0]->type, args[0]->dims);
}

template <bool descending>
Value sort_indices(CallContext& context, Arguments args) {
  const std::vector<std::uint32_t> order = order_of(context, *args[0], descending);
  std::vector<double> indices(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) indices[i] = order[i] + 1.0;
  return known_value({Base::integer, 1}, {static_cast<int>(indices.size())}, std::move(indices));
}

constexpr LibraryEntry kEntries[] = {
    {"rep_vector", rep_linear<Base::vector>},
    {"rep_row_vector", rep_linear<Base::row_vector>},
    {"rep_matrix", rep_matrix},
    {"rep_array", rep_array},
    {"zeros_vector", constant_linear<Base::vector, 0>},
    {"zeros_row_vector", constant_linear<Base::row_vector, 0>},
    {"ones_vector", constant_linear<Base::vector, 1>},
    {"ones_row_vector", constant_linear<Base::row_vector, 1>},
    {"zeros_array", constant_array<Base::real, 0>},
    {"ones_array", constant_array<Base::real, 1>},
    {"zeros_int_array", constant_array<Base::integer, 0>},
    {"ones_int_array", constant_array<Base::integer, 1>},
    {"identity_matrix", identity_matrix},
    {"linspaced_vector", linspaced_real<Base::vector, 0>},
    {"linspaced_row_vector", linspaced_real<Base::row_vector, 0>},
    {"linspaced_array", linspaced_real<Base::real, 1>},
    {"linspaced_int_array", linspaced_int_array},
    {"to_vector", to_linear<Base::vector>},
    {"to_row_vector", to_linear<Base::row_vector>},
    {"to_array_1d", to_array_1d},
    {"to_array_2d", to_array_2d},
    {"to_matrix", to_matrix},
    {"append_col", append_col},
    {"append_row", append_row},
    {"append_array", append_array},
    {"rows", rows},
    {"cols", columns},
    {"size", size},
    {"num_elements", element_count},
    {"dims", dims},
    {"reverse", reverse},
    {"sort_asc", sort<false>},
    {"sort_desc", sort<true>},
    {"sort_indices_asc", sort_indices<false>},
    {"sort_indices_desc", sort_indices<true>},
};

}  // namespace

std::span<const LibraryEntry> container_functions() { return kEntries; }

}  // namespace tenfold::hmc_marg
