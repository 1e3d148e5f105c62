// Parts of containers by position: head, tail, segment, rows, columns, blocks, diagonals. Positions count from 1 and are known.
#include <fmt/format.h>

#include "hmc-marg/library_parts.h"

namespace tenfold::hmc_marg {

namespace {

void require_range(const CallContext& context, std::string_view what, int first, int count, std::size_t size) {
  if (first < 1 || count < 0 || static_cast<std::size_t>(first) - 1 + static_cast<std::size_t>(count) > size)
    call_error(context, fmt::format("{}: {} elements from {} on are out of range; the size is {}", what, count, first, size));
}

// Elements first .. first + count - 1 along the outermost dimension.
Value outer_range(const CallContext& context, std::string_view what, const Value& x, int first, int count) {
  const std::size_t size = x.dims.empty() ? 0 : static_cast<std::size_t>(x.dims[0]);
  if (count > 0 || first != 1) require_range(context, what, first, count, size);
  const std::size_t each = size ? x.size() / size : 0;
  std::vector<int> dims = x.dims;
  dims[0] = count;
  return range_of(x, static_cast<std::size_t>(first - 1) * each, static_cast<std::size_t>(count) * each, x.type, std::move(dims));
}

Value head(CallContext& context, Arguments args) {
  return outer_range(context, "head", *args[0], 1, size_argument(context, *args[1], "head's size"));
}

Value tail(CallContext& context, Arguments args) {
  const int count = size_argument(context, *args[1], "tail's size");
  if (count > args[0]->dims[0])
    call_error(context, fmt::format("tail: {} elements are out of range; the size is {}", count, args[0]->dims[0]));
  return outer_range(context, "tail", *args[0], args[0]->dims[0] - count + 1, count);
}

Value segment(CallContext& context, Arguments args) {
  const int first = integer_argument(context, *args[1], "segment's start"),
            count = size_argument(context, *args[2], "segment's size");
  if (count == 0) return outer_range(context, "segment", *args[0], 1, 0);
  return outer_range(context, "segment", *args[0], first, count);
}

Value block_of(const CallContext& context, std::string_view what, const Value& x, int row, int column, int m, int n, Type type) {
  const auto [rows, columns] = extent_of(x);
  if (m > 0 && n > 0) {
    require_range(context, fmt::format("{} (rows)", what), row, m, rows);
    require_range(context, fmt::format("{} (columns)", what), column, n, columns);
  }
  std::vector<std::uint32_t> places;
  for (int j = 0; j < n; ++j)
    for (int i = 0; i < m; ++i)
      places.push_back(
          static_cast<std::uint32_t>(static_cast<std::size_t>(column - 1 + j) * rows + static_cast<std::size_t>(row - 1 + i)));
  std::vector<int> dims = type == kMatrix ? std::vector<int>{m, n} : std::vector<int>{m * n};
  return take(x, places, type, std::move(dims));
}

Value row(CallContext& context, Arguments args) {
  const int i = integer_argument(context, *args[1], "the row");
  require_range(context, "row", i, 1, extent_of(*args[0]).rows);
  return block_of(context, "row", *args[0], i, 1, 1, args[0]->dims[1], kRowVector);
}

Value column(CallContext& context, Arguments args) {
  const int j = integer_argument(context, *args[1], "the column");
  require_range(context, "col", j, 1, extent_of(*args[0]).columns);
  return block_of(context, "col", *args[0], 1, j, args[0]->dims[0], 1, kVector);
}

// sub_row(x, i, j, n): n elements of row i from column j on.
Value sub_row(CallContext& context, Arguments args) {
  return block_of(context, "sub_row", *args[0], integer_argument(context, *args[1], "sub_row's row"),
                  integer_argument(context, *args[2], "sub_row's column"), 1, size_argument(context, *args[3], "sub_row's size"),
                  kRowVector);
}

// sub_col(x, i, j, n): n elements of column j from row i on.
Value sub_col(CallContext& context, Arguments args) {
  return block_of(context, "sub_col", *args[0], integer_argument(context, *args[1], "sub_col's row"),
                  integer_argument(context, *args[2], "sub_col's column"), size_argument(context, *args[3], "sub_col's size"), 1,
                  kVector);
}

Value block(CallContext& context, Arguments args) {
  return block_of(context, "block", *args[0], integer_argument(context, *args[1], "block's row"),
                  integer_argument(context, *args[2], "block's column"), size_argument(context, *args[3], "block's rows"),
                  size_argument(context, *args[4], "block's columns"), kMatrix);
}

Value transpose(CallContext&, Arguments args) { return transposed(*args[0]); }
Value diagonal(CallContext&, Arguments args) { return diagonal_of(*args[0]); }

Value diag_matrix(CallContext& context, Arguments args) {
  const Value& x = *args[0];
  const std::size_t n = x.size();
  const int dim = static_cast<int>(n);
  Value out = known_value(kMatrix, {dim, dim}, std::vector<double>(allowed_count(context, std::vector<int>{dim, dim}), 0.0));
  if (!x.known()) out.slot.assign(n * n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    out.number[i * (n + 1)] = x.number[i];
    if (!x.known()) out.slot[i * (n + 1)] = x.slot[i];
  }
  return out;
}

constexpr LibraryEntry kEntries[] = {
    {"head", head},           {"tail", tail},         {"segment", segment},         {"row", row},
    {"col", column},          {"sub_row", sub_row},   {"sub_col", sub_col},         {"block", block},
    {"transpose", transpose}, {"diagonal", diagonal}, {"diag_matrix", diag_matrix},
};

}  // namespace

Value diagonal_of(const Value& a) {
  const auto [rows, columns] = extent_of(a);
  std::vector<std::uint32_t> places;
  for (std::size_t i = 0; i < rows && i < columns; ++i) places.push_back(static_cast<std::uint32_t>(i * rows + i));
  const int n = static_cast<int>(places.size());
  return take(a, places, kVector, {n});
}

std::span<const LibraryEntry> slice_functions() { return kEntries; }

}  // namespace tenfold::hmc_marg
