// Products of vectors and matrices, each a set of dot products: one node with a lane for every element that is not known.
#include <fmt/format.h>

#include <algorithm>

#include "hmc-marg/library_parts.h"

namespace tenfold::hmc_marg {

namespace {

using Place = std::uint32_t;
Place at(std::size_t i) { return static_cast<Place>(i); }

// Pairs of scalars to multiply and add, segment by segment: how every product here is written down.
struct Pairs {
  std::vector<Place> left, right;
  std::vector<std::uint32_t> offsets{0};
  void add(std::size_t a, std::size_t b) {
    left.push_back(at(a));
    right.push_back(at(b));
  }
  void end_segment() { offsets.push_back(at(left.size())); }
};

Value multiply_pairs(CallContext& context, const Value& a, const Value& b, const Pairs& pairs, Shape shape) {
  return dot(context, take(a, pairs.left, kVector, {}), take(b, pairs.right, kVector, {}), pairs.offsets, std::move(shape));
}

Value known_product(const Value& x, const Value& y, Extent left, Extent right, Shape shape) {
  Value out = known_value(shape.type, std::move(shape.dims), std::vector<double>(left.rows * right.columns, 0.0));
  for (std::size_t j = 0; j < right.columns; ++j)
    for (std::size_t k = 0; k < left.columns; ++k) {
      const double factor = y.number[j * right.rows + k];
      for (std::size_t i = 0; i < left.rows; ++i) out.number[j * left.rows + i] += x.number[k * left.rows + i] * factor;
    }
  return out;
}

Shape product_shape(const Value& x, const Value& y, Extent left, Extent right) {
  const int m = static_cast<int>(left.rows), n = static_cast<int>(right.columns);
  if (x.type.base == Base::row_vector) {
    if (y.type.base == Base::vector) return {kReal, {}};
    return {kRowVector, {n}};
  }
  if (y.type.base == Base::vector) return {kVector, {m}};
  return {kMatrix, {m, n}};
}

// Lower-triangle lanes (i >= j, column by column) -> the symmetric matrix: mirrored elements are the same scalar.
Value mirrored(const Value& lower, std::size_t n) {
  std::vector<Place> places(n * n);
  std::size_t lane = 0;
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = j; i < n; ++i, ++lane) places[j * n + i] = places[i * n + j] = at(lane);
  const int dim = static_cast<int>(n);
  return take(lower, places, kMatrix, {dim, dim});
}

// A A' of the elements of A with column index <= last(row): the whole rows, or the lower triangle.
Value row_gram(CallContext& context, const Value& a, bool lower_triangle) {
  const auto [rows, columns] = extent_of(a);
  allowed_count(context, std::vector<int>{static_cast<int>(rows), static_cast<int>(rows), static_cast<int>(columns)});
  Pairs pairs;
  for (std::size_t j = 0; j < rows; ++j)
    for (std::size_t i = j; i < rows; ++i) {
      for (std::size_t k = 0; k < columns && (!lower_triangle || k <= j); ++k) pairs.add(k * rows + i, k * rows + j);
      pairs.end_segment();
    }
  const int lanes_count = static_cast<int>(pairs.offsets.size() - 1);
  return mirrored(multiply_pairs(context, a, a, pairs, {kVector, {lanes_count}}), rows);
}

Value tcrossprod(CallContext& context, Arguments args) { return row_gram(context, *args[0], false); }
Value crossprod(CallContext& context, Arguments args) { return row_gram(context, transposed(*args[0]), false); }
Value multiply_lower_tri_self_transpose(CallContext& context, Arguments args) { return row_gram(context, *args[0], true); }

// Each element of `a` times the weight of its row (by_row) or column.
Value scaled(CallContext& context, std::string_view what, const Value& a, const Value& weights, bool by_row) {
  const auto [rows, columns] = extent_of(a);
  if (weights.size() != (by_row ? rows : columns))
    call_error(context, fmt::format("{}: {} weights for a matrix [{}, {}]", what, weights.size(), rows, columns));
  std::vector<Place> places;
  places.reserve(a.size());
  for (std::size_t j = 0; j < columns; ++j)
    for (std::size_t i = 0; i < rows; ++i) places.push_back(at(by_row ? i : j));
  const Value factors = take(weights, places, kMatrix, a.dims);
  // A triangular factor keeps its known zeros.
  Value out = binary(context, Op::mul, factors, a);
  if (!a.known() && !out.slot.empty() && std::any_of(a.slot.begin(), a.slot.end(), [](Slot s) { return s == 0; })) {
    std::vector<Place> open;
    for (std::size_t k = 0; k < a.size(); ++k)
      if (a.slot[k] != 0 || a.number[k] != 0) open.push_back(at(k));
    if (open.size() == a.size()) return out;
    const Value product = binary(context, Op::mul, take(factors, open, kVector, {static_cast<int>(open.size())}),
                                 take(a, open, kVector, {static_cast<int>(open.size())}));
    out = known_value(kMatrix, a.dims, std::vector<double>(a.size(), 0.0));
    out.slot.assign(a.size(), 0);
    for (std::size_t i = 0; i < open.size(); ++i) {
      out.number[open[i]] = product.number[i];
      if (!product.known()) out.slot[open[i]] = product.slot[i];
    }
  }
  return out;
}

Value diag_pre_multiply(CallContext& context, Arguments args) {
  return scaled(context, "diag_pre_multiply", *args[1], *args[0], true);
}

Value diag_post_multiply(CallContext& context, Arguments args) {
  return scaled(context, "diag_post_multiply", *args[0], *args[1], false);
}

// diag(v) M diag(v): one product v_i v_j per pair, so that a symmetric M stays symmetric bit by bit.
Value quad_form_diag(CallContext& context, Arguments args) {
  const Value &m = *args[0], &v = *args[1];
  const auto [rows, columns] = extent_of(m);
  require_square(context, "quad_form_diag", m);
  if (v.size() != rows)
    call_error(context, fmt::format("quad_form_diag: {} weights for a matrix [{}, {}]", v.size(), rows, columns));
  std::vector<Place> left, right;
  for (std::size_t j = 0; j < rows; ++j)
    for (std::size_t i = j; i < rows; ++i) {
      left.push_back(at(i));
      right.push_back(at(j));
    }
  const std::vector<int> dims{static_cast<int>(left.size())};
  const Value weights = mirrored(binary(context, Op::mul, take(v, left, kVector, dims), take(v, right, kVector, dims)), rows);
  return binary(context, Op::mul, weights, m);
}

Value add_diag(CallContext& context, Arguments args) {
  const Value &a = *args[0], &added = *args[1];
  const Value diagonal = diagonal_of(a);
  if (!is_scalar(added) && added.size() != diagonal.size())
    call_error(context, fmt::format("add_diag: {} numbers for a diagonal of {}", added.size(), diagonal.size()));
  const Value increment = is_scalar(added) ? added : reshaped(added, kVector, diagonal.dims);
  const Value sum = binary(context, Op::add, diagonal, increment);
  const Value both = join({&a, &sum}, kReal, {});
  const std::size_t rows = extent_of(a).rows;
  std::vector<Place> places(a.size());
  for (std::size_t k = 0; k < places.size(); ++k) places[k] = at(k);
  for (std::size_t i = 0; i < sum.size(); ++i) places[i * rows + i] = at(a.size() + i);
  return take(both, places, kMatrix, a.dims);
}

// B' A B; a vector B gives a scalar.
Value quad_form(CallContext& context, Arguments args) {
  require_square(context, "quad_form", *args[0]);
  const Value product = matrix_product(context, *args[0], *args[1]);
  return matrix_product(context, transposed(*args[1]), product);
}

Value trace_of(CallContext& context, const Value& a) { return sum_of(context, diagonal_of(a)); }
Value trace(CallContext& context, Arguments args) { return trace_of(context, *args[0]); }

Value trace_quad_form(CallContext& context, Arguments args) {
  const Value form = quad_form(context, args);
  return is_scalar(form) ? form : trace_of(context, form);
}

// Dot products of columns (or rows) of equal index.
Value paired_dots(CallContext& context, std::string_view what, const Value& x, const Value& y, bool of_columns) {
  const auto [rows, columns] = extent_of(x);
  if (x.dims != y.dims || x.type != y.type)
    call_error(context, fmt::format("{}: sizes {} and {} do not match", what, dims_text(x.dims), dims_text(y.dims)));
  Pairs pairs;
  const std::size_t outer = of_columns ? columns : rows, inner = of_columns ? rows : columns;
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::size_t k = 0; k < inner; ++k) {
      const std::size_t place = of_columns ? o * rows + k : k * rows + o;
      pairs.add(place, place);
    }
    pairs.end_segment();
  }
  return multiply_pairs(context, x, y, pairs, {of_columns ? kRowVector : kVector, {static_cast<int>(outer)}});
}

Value columns_dot_product(CallContext& context, Arguments args) {
  return paired_dots(context, "columns_dot_product", *args[0], *args[1], true);
}
Value rows_dot_product(CallContext& context, Arguments args) {
  return paired_dots(context, "rows_dot_product", *args[0], *args[1], false);
}
Value columns_dot_self(CallContext& context, Arguments args) {
  return paired_dots(context, "columns_dot_self", *args[0], *args[0], true);
}
Value rows_dot_self(CallContext& context, Arguments args) {
  return paired_dots(context, "rows_dot_self", *args[0], *args[0], false);
}

// csr_matrix_times_vector(m, n, w, v, u, b): row i holds the entries w[u[i] .. u[i+1]-1] in the columns v[...], all counted
// from 1.
Value csr_matrix_times_vector(CallContext& context, Arguments args) {
  const int m = size_argument(context, *args[0], "csr_matrix_times_vector's rows");
  const int n = size_argument(context, *args[1], "csr_matrix_times_vector's columns");
  const Value &w = *args[2], &v = *args[3], &u = *args[4], &b = *args[5];
  require_known(context, v, "the column index of a sparse matrix");
  require_known(context, u, "the row index of a sparse matrix");
  if (b.size() != static_cast<std::size_t>(n) || v.size() != w.size() || u.size() != static_cast<std::size_t>(m) + 1)
    call_error(context,
               fmt::format("csr_matrix_times_vector: a matrix [{}, {}] with {} entries, {} column indices, {} row starts "
                           "and a vector of {} do not match",
                           m, n, w.size(), v.size(), u.size(), b.size()));
  std::vector<std::uint32_t> offsets(u.size());
  for (std::size_t i = 0; i < u.size(); ++i) {
    const double start = u.number[i] - 1;
    const double before = i ? offsets[i - 1] : 0;
    if (start < before || start > static_cast<double>(w.size()) || (i == 0 && start != 0))
      call_error(context, fmt::format("csr_matrix_times_vector: row start {} is {}, out of order", i + 1, u.number[i]));
    offsets[i] = static_cast<std::uint32_t>(start);
  }
  if (offsets.back() != w.size()) call_error(context, "csr_matrix_times_vector: the row starts do not cover all entries");
  std::vector<Place> places(v.size());
  for (std::size_t k = 0; k < v.size(); ++k) {
    if (v.number[k] < 1 || v.number[k] > n)
      call_error(context, fmt::format("csr_matrix_times_vector: column index {} is {}, but must be between 1 and {}", k + 1,
                                      v.number[k], n));
    places[k] = at(static_cast<std::size_t>(v.number[k]) - 1);
  }
  return dot(context, w, take(b, places, kVector, {}), offsets, {kVector, {m}});
}

constexpr LibraryEntry kEntries[] = {
    {"tcrossprod", tcrossprod},
    {"crossprod", crossprod},
    {"multiply_lower_tri_self_transpose", multiply_lower_tri_self_transpose},
    {"diag_pre_multiply", diag_pre_multiply},
    {"diag_post_multiply", diag_post_multiply},
    {"quad_form_diag", quad_form_diag},
    {"add_diag", add_diag},
    {"quad_form", quad_form},
    {"quad_form_sym", quad_form},
    {"trace", trace},
    {"trace_quad_form", trace_quad_form},
    {"columns_dot_product", columns_dot_product},
    {"rows_dot_product", rows_dot_product},
    {"columns_dot_self", columns_dot_self},
    {"rows_dot_self", rows_dot_self},
    {"csr_matrix_times_vector", csr_matrix_times_vector},
};

}  // namespace

void require_square(const CallContext& context, std::string_view what, const Value& a) {
  const auto [rows, columns] = extent_of(a);
  if (rows != columns) call_error(context, fmt::format("{}: a matrix [{}, {}] is not square", what, rows, columns));
}

// X beta with known X is one node: lane i multiplies row i of X, a block of constants, with beta.
Value matrix_product(CallContext& context, const Value& x, const Value& y) {
  const Extent left = extent_of(x), right = extent_of(y);
  if (left.columns != right.rows)
    call_error(context, fmt::format("matrix product: a left side with {} columns and a right side with {} rows do not match",
                                    left.columns, right.rows));
  Shape shape = product_shape(x, y, left, right);
  allowed_count(context, shape.dims);
  if (x.known() && y.known()) return known_product(x, y, left, right, std::move(shape));
  const std::vector<int> multiplications{static_cast<int>(left.rows), static_cast<int>(left.columns),
                                         static_cast<int>(right.columns)};
  allowed_count(context, multiplications);
  Pairs pairs;
  pairs.left.reserve(left.rows * left.columns * right.columns);
  pairs.right.reserve(pairs.left.capacity());
  for (std::size_t j = 0; j < right.columns; ++j)
    for (std::size_t i = 0; i < left.rows; ++i) {
      for (std::size_t k = 0; k < left.columns; ++k) pairs.add(k * left.rows + i, j * right.rows + k);
      pairs.end_segment();
    }
  return multiply_pairs(context, x, y, pairs, std::move(shape));
}

std::span<const LibraryEntry> matrix_functions() { return kEntries; }

}  // namespace tenfold::hmc_marg
