// Cholesky factors, triangular and symmetric solves, inverses, determinants, and Gaussian-process covariances.
#include <fmt/format.h>

#include <Eigen/LU>
#include <algorithm>
#include <cmath>

#include "hmc-marg/library_parts.h"

namespace tenfold::hmc_marg {

namespace {

// What stands above the diagonal is known to be zero.
void clear_upper(Value& a, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < j; ++i) {
      a.number[j * n + i] = 0;
      if (!a.slot.empty()) a.slot[j * n + i] = 0;
    }
}

bool exactly_symmetric(const Value& a) {
  const auto [rows, columns] = extent_of(a);
  if (rows != columns) return false;
  for (std::size_t j = 0; j < columns; ++j)
    for (std::size_t i = j + 1; i < rows; ++i) {
      if (!a.known() && a.slot[j * rows + i] != a.slot[i * rows + j]) return false;
      if ((a.known() || a.slot[j * rows + i] == 0) && a.number[j * rows + i] != a.number[i * rows + j]) return false;
    }
  return true;
}

Value identity(std::size_t n) {
  const int dim = static_cast<int>(n);
  Value out = known_value(kMatrix, {dim, dim}, std::vector<double>(n * n, 0.0));
  for (std::size_t i = 0; i < n; ++i) out.number[i * n + i] = 1;
  return out;
}

Value cholesky_decompose(CallContext& context, Arguments args) {
  return cholesky_factor(context, "cholesky_decompose", *args[0]);
}

void require_rows(const CallContext& context, std::string_view what, const Value& a, const Value& b) {
  require_square(context, what, a);
  const std::size_t n = extent_of(a).rows, rows = extent_of(b).rows;
  if (n != rows)
    call_error(context, fmt::format("{}: a matrix [{}, {}] and a right side with {} rows do not match", what, n, n, rows));
}

Value mdivide_left_tri_low(CallContext& context, Arguments args) {
  require_rows(context, "mdivide_left_tri_low", *args[0], *args[1]);
  return lower_solve(context, *args[0], *args[1], false);
}

// B L^-1 = (L^-T B')'
Value mdivide_right_tri_low(CallContext& context, Arguments args) {
  const Value right = transposed(*args[0]);
  require_rows(context, "mdivide_right_tri_low", *args[1], right);
  return transposed(lower_solve(context, *args[1], right, true));
}

Value solve_spd(CallContext& context, std::string_view what, const Value& a, const Value& b) {
  require_rows(context, what, a, b);
  const Value factor = cholesky_factor(context, what, a);
  return lower_solve(context, factor, lower_solve(context, factor, b, false), true);
}

Value mdivide_left_spd(CallContext& context, Arguments args) {
  return solve_spd(context, "mdivide_left_spd", *args[0], *args[1]);
}
Value mdivide_right_spd(CallContext& context, Arguments args) {
  return transposed(solve_spd(context, "mdivide_right_spd", *args[1], transposed(*args[0])));
}

// (L L')^-1 = L^-T L^-1, symmetric bit by bit.
Value inverse_spd_of(CallContext& context, std::string_view what, const Value& a) {
  const Value factor = cholesky_factor(context, what, a);
  const std::size_t n = extent_of(a).rows;
  Value inverse_factor = lower_solve(context, factor, identity(n), false);
  clear_upper(inverse_factor, n);
  const Value* const argument[1] = {&inverse_factor};
  return find_library_function("crossprod")(context, Arguments(argument, 1));
}

Value inverse_spd(CallContext& context, Arguments args) { return inverse_spd_of(context, "inverse_spd", *args[0]); }

Value log_determinant_spd_of(CallContext& context, std::string_view what, const Value& a) {
  return binary(context, Op::mul, real_scalar(2), log_diagonal_sum(context, cholesky_factor(context, what, a)));
}

Value log_determinant_spd(CallContext& context, Arguments args) {
  return log_determinant_spd_of(context, "log_determinant_spd", *args[0]);
}

Eigen::MatrixXd dense(const Value& a) {
  const auto [rows, columns] = extent_of(a);
  return Eigen::Map<const Eigen::MatrixXd>(a.number.data(), static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns));
}

void require_spd_form(const CallContext& context, std::string_view what, const Value& a) {
  if (!exactly_symmetric(a))
    call_error(context, fmt::format("{} of a matrix that depends on a parameter and is not symmetric runs in CmdStan, not here; "
                                    "a symmetric positive definite matrix works",
                                    what));
}

Value log_determinant(CallContext& context, Arguments args) {
  const Value& a = *args[0];
  require_square(context, "log_determinant", a);
  if (!a.known()) {
    require_spd_form(context, "log_determinant", a);
    return log_determinant_spd_of(context, "log_determinant", a);
  }
  if (a.size() == 0) return real_scalar(0);
  return real_scalar(Eigen::PartialPivLU<Eigen::MatrixXd>(dense(a)).matrixLU().diagonal().array().abs().log().sum());
}

Value determinant(CallContext& context, Arguments args) {
  const Value& a = *args[0];
  require_square(context, "determinant", a);
  if (!a.known()) {
    require_spd_form(context, "determinant", a);
    return unary(context, Op::exp, log_determinant_spd_of(context, "determinant", a));
  }
  return real_scalar(a.size() == 0 ? 1 : Eigen::PartialPivLU<Eigen::MatrixXd>(dense(a)).determinant());
}

}  // namespace

// A^-1 B for known A: the rows of A^-1 are constants, whatever B is.
Value solve_general(CallContext& context, const Value& a, const Value& b) {
  require_square(context, "matrix division", a);
  if (extent_of(b).rows != extent_of(a).rows)
    call_error(context, fmt::format("matrix division: a matrix [{}, {}] and a side with {} rows do not match", extent_of(a).rows,
                                    extent_of(a).rows, extent_of(b).rows));
  if (!a.known()) {
    require_spd_form(context, "division by a matrix: solving", a);
    return solve_spd(context, "matrix division", a, b);
  }
  if (a.size() == 0) return b;
  const Eigen::PartialPivLU<Eigen::MatrixXd> factors(dense(a));
  if (b.known()) {
    const Eigen::MatrixXd solution = factors.solve(dense(b));
    return known_value(b.type, b.dims, {solution.data(), solution.data() + solution.size()});
  }
  const Eigen::MatrixXd inverse = factors.inverse();
  return matrix_product(context, known_value(kMatrix, a.dims, {inverse.data(), inverse.data() + inverse.size()}), b);
}

namespace {

Value inverse(CallContext& context, Arguments args) {
  const Value& a = *args[0];
  require_square(context, "inverse", a);
  if (!a.known()) {
    require_spd_form(context, "inverse", a);
    return inverse_spd_of(context, "inverse", a);
  }
  return solve_general(context, a, identity(extent_of(a).rows));
}

// Squared distances of the points of x: n (n - 1) / 2 lanes below the diagonal, column by column; x holds numbers or vectors.
Value pair_distances(CallContext& context, const Value& x, std::size_t count, const Value& y, std::span<const std::uint32_t> left,
                     std::span<const std::uint32_t> right) {
  const std::size_t length = count ? x.size() / count : 0;
  std::vector<std::uint32_t> left_places, right_places;
  for (std::size_t p = 0; p < left.size(); ++p)
    for (std::size_t k = 0; k < length; ++k) {
      left_places.push_back(static_cast<std::uint32_t>(left[p] * length + k));
      right_places.push_back(static_cast<std::uint32_t>(right[p] * length + k));
    }
  const std::vector<int> dims{static_cast<int>(left_places.size())};
  const Value difference = binary(context, Op::sub, take(x, left_places, kVector, dims), take(y, right_places, kVector, dims));
  if (length == 1) return unary(context, Op::square, difference);
  return dot(context, difference, difference, equal_segments(left.size(), length), {kVector, {static_cast<int>(left.size())}});
}

std::size_t point_count(const CallContext& context, const Value& x) {
  if (x.dims.empty()) call_error(context, "gp_exp_quad_cov: the positions must be an array");
  return static_cast<std::size_t>(x.dims[0]);
}

// Positions with an own length scale for each coordinate are divided by it first.
Value in_length_scales(CallContext& context, const Value& x, std::size_t count, const Value& scale) {
  const std::size_t length = count ? x.size() / count : 0;
  if (count && scale.size() != length)
    call_error(context, fmt::format("gp_exp_quad_cov: {} length scales for points of size {}", scale.size(), length));
  std::vector<std::uint32_t> places(x.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::uint32_t>(length ? i % length : 0);
  return binary(context, Op::div, x, take(scale, places, x.type, x.dims));
}

// sigma^2 exp(-d^2 / (2 l^2))
Value exponentiated_quadratic(CallContext& context, const Value& squared, const Value& variance, const Value& length_scale) {
  const Value rate = is_scalar(length_scale)
                         ? binary(context, Op::div, real_scalar(-0.5), unary(context, Op::square, length_scale))
                         : real_scalar(-0.5);
  return binary(context, Op::mul, variance, unary(context, Op::exp, binary(context, Op::mul, squared, rate)));
}

// gp_exp_quad_cov(x, sigma, l) or gp_exp_quad_cov(x1, x2, sigma, l)
Value gp_exp_quad_cov(CallContext& context, Arguments args) {
  const bool cross = args.size() == 4;
  const Value &sigma = *args[args.size() - 2], &length_scale = *args[args.size() - 1];
  const std::size_t m = point_count(context, *args[0]), n = point_count(context, *args[cross ? 1 : 0]);
  const bool scaled = !is_scalar(length_scale);
  const Value x = scaled ? in_length_scales(context, *args[0], m, length_scale) : *args[0];
  const Value y = !cross ? x : scaled ? in_length_scales(context, *args[1], n, length_scale) : *args[1];
  if (cross && m && n && x.size() / m != y.size() / n)
    call_error(context, fmt::format("gp_exp_quad_cov: points of sizes {} and {} do not match", x.size() / m, y.size() / n));
  const Value variance = unary(context, Op::square, sigma);
  std::vector<std::uint32_t> left, right,
      places(allowed_count(context, std::vector<int>{static_cast<int>(m), static_cast<int>(n)}));
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = cross ? 0 : j + 1; i < m; ++i) {
      places[j * m + i] = static_cast<std::uint32_t>(left.size());
      if (!cross) places[i * m + j] = static_cast<std::uint32_t>(left.size());
      left.push_back(static_cast<std::uint32_t>(i));
      right.push_back(static_cast<std::uint32_t>(j));
    }
  const Value entries = exponentiated_quadratic(context, pair_distances(context, x, m, y, left, right), variance, length_scale);
  const Value all = join({&entries, &variance}, kReal, {});
  if (!cross)
    for (std::size_t i = 0; i < n; ++i) places[i * n + i] = static_cast<std::uint32_t>(entries.size());
  return take(all, places, kMatrix, {static_cast<int>(m), static_cast<int>(n)});
}

constexpr LibraryEntry kEntries[] = {
    {"cholesky_decompose", cholesky_decompose},
    {"mdivide_left_tri_low", mdivide_left_tri_low},
    {"mdivide_right_tri_low", mdivide_right_tri_low},
    {"mdivide_left_spd", mdivide_left_spd},
    {"mdivide_right_spd", mdivide_right_spd},
    {"inverse_spd", inverse_spd},
    {"inverse", inverse},
    {"log_determinant", log_determinant},
    {"log_determinant_spd", log_determinant_spd},
    {"determinant", determinant},
    {"gp_exp_quad_cov", gp_exp_quad_cov},
    {"cov_exp_quad", gp_exp_quad_cov},
};

}  // namespace

void require_positive_definite(const CallContext& context, std::string_view what, const Value& a, const Value& factor) {
  const std::size_t n = extent_of(a).rows;
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < j; ++i) {
      const double upper = a.number[j * n + i], lower = a.number[i * n + j];
      if (!(std::fabs(upper - lower) <= 1e-8 * std::max(1.0, std::fabs(upper))))
        call_error(context, fmt::format("{}: the matrix is not symmetric: [{}, {}] is {}, but [{}, {}] is {}", what, i + 1, j + 1,
                                        upper, j + 1, i + 1, lower));
    }
  for (std::size_t j = 0; j < n; ++j)
    if (!(factor.number[j * n + j] > 0)) call_error(context, fmt::format("{}: the matrix is not positive definite", what));
}

Value cholesky_factor(CallContext& context, std::string_view what, const Value& a) {
  require_square(context, what, a);
  const std::size_t n = extent_of(a).rows;
  if (n == 1) {
    if (a.known()) require_positive_definite(context, what, a, a);
    return unary(context, Op::sqrt, a);
  }
  Value out = whole(context, Op::cholesky, a, n, {kMatrix, a.dims});
  if (a.known()) require_positive_definite(context, what, a, out);
  clear_upper(out, n);
  return out;
}

Value lower_solve(CallContext& context, const Value& l, const Value& b, bool transpose_l) {
  const std::size_t n = extent_of(l).rows;
  if (n == 1) return binary(context, Op::div, b, reshaped(l, kReal, {}));
  return whole(context, transpose_l ? Op::solve_lower_transposed : Op::solve_lower, l, b, n, {b.type, b.dims});
}

Value log_diagonal_sum(CallContext& context, const Value& a) { return sum_of(context, unary(context, Op::log, diagonal_of(a))); }

std::span<const LibraryEntry> linear_algebra_functions() { return kEntries; }

}  // namespace tenfold::hmc_marg
