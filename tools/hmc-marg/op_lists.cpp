// Reductions over segments, and vector and matrix operations; see the header.
#include "hmc-marg/op_lists.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace tenfold::hmc_marg {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double log_sum_exp(const double* a, std::size_t n) {
  double top = -kInfinity;
  for (std::size_t i = 0; i < n; ++i) {
    if (std::isnan(a[i])) return a[i];
    top = std::max(top, a[i]);
  }
  if (std::isinf(top)) return top;
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += std::exp(a[i] - top);
  return top + std::log(sum);
}

// Position of the extreme element; a NaN wins, so that it is not lost.
template <class Better>
std::size_t extreme(const double* a, std::size_t n, Better better) {
  std::size_t at = 0;
  for (std::size_t i = 1; i < n; ++i) {
    if (better(a[i], a[at]) || std::isnan(a[i])) at = i;
  }
  return at;
}
std::size_t first_minimum(const double* a, std::size_t n) { return extreme(a, n, std::less<>()); }
std::size_t first_maximum(const double* a, std::size_t n) { return extreme(a, n, std::greater<>()); }

void softmax(const double* a, std::uint32_t n, double* out) {
  double top = -kInfinity;
  for (std::uint32_t i = 0; i < n; ++i) top = std::max(top, a[i]);
  double sum = 0;
  for (std::uint32_t i = 0; i < n; ++i) sum += out[i] = std::exp(a[i] - top);
  for (std::uint32_t i = 0; i < n; ++i) out[i] /= sum;
}

// Column by column, each column's updates as contiguous axpys.
void cholesky(const double* a, std::uint32_t n, double* l) {
  for (std::uint32_t j = 0; j < n; ++j) {
    double* column = l + std::size_t{j} * n;
    std::fill(column, column + j, 0.0);
    std::copy(a + std::size_t{j} * n + j, a + std::size_t{j} * n + n, column + j);
    for (std::uint32_t k = 0; k < j; ++k) {
      const double* other = l + std::size_t{k} * n;
      const double factor = other[j];
      for (std::uint32_t i = j; i < n; ++i) column[i] -= other[i] * factor;
    }
    const double pivot = column[j] > 0 ? std::sqrt(column[j]) : kNaN;
    column[j] = pivot;
    for (std::uint32_t i = j + 1; i < n; ++i) column[i] /= pivot;
  }
}

// Reverse of L = chol(A), unblocked (Murray, arXiv:1602.07527, section 3): da gets the lower triangle's adjoints, since
// the lower triangle alone is read.
void cholesky_reverse(std::uint32_t n, const double* l, const double* adjoint, double* da) {
  std::copy(adjoint, adjoint + std::size_t{n} * n, da);
  const auto at = [n](std::uint32_t i, std::uint32_t j) { return std::size_t{j} * n + i; };
  for (std::uint32_t j = n; j-- > 0;) {
    for (std::uint32_t i = n; i-- > j + 1;) {
      // L_ij = (A_ij - sum_k L_ik L_jk) / L_jj
      da[at(j, j)] -= l[at(i, j)] * da[at(i, j)] / l[at(j, j)];
      da[at(i, j)] /= l[at(j, j)];
      for (std::uint32_t k = 0; k < j; ++k) {
        da[at(i, k)] -= da[at(i, j)] * l[at(j, k)];
        da[at(j, k)] -= da[at(i, j)] * l[at(i, k)];
      }
    }
    // L_jj = sqrt(A_jj - sum_k L_jk^2)
    da[at(j, j)] /= 2 * l[at(j, j)];
    for (std::uint32_t k = 0; k < j; ++k) da[at(j, k)] -= 2 * da[at(j, j)] * l[at(j, k)];
    for (std::uint32_t i = 0; i < j; ++i) da[at(i, j)] = 0;
  }
}

void solve_lower(const double* l, std::uint32_t n, std::uint32_t columns, double* x) {
  for (std::uint32_t c = 0; c < columns; ++c, x += n) {
    for (std::uint32_t j = 0; j < n; ++j) {
      x[j] /= l[std::size_t{j} * n + j];
      for (std::uint32_t i = j + 1; i < n; ++i) x[i] -= l[std::size_t{j} * n + i] * x[j];
    }
  }
}

void solve_lower_transposed(const double* l, std::uint32_t n, std::uint32_t columns, double* x) {
  for (std::uint32_t c = 0; c < columns; ++c, x += n) {
    for (std::uint32_t j = n; j-- > 0;) {
      for (std::uint32_t i = j + 1; i < n; ++i) x[j] -= l[std::size_t{j} * n + i] * x[i];
      x[j] /= l[std::size_t{j} * n + j];
    }
  }
}

}  // namespace

double segment_value(Op op, const double* a, const double* b, std::size_t n) {
  switch (op) {
    case Op::sum: {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += a[i];
      return sum;
    }
    case Op::dot: {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
      return sum;
    }
    case Op::product: {
      double product = 1;
      for (std::size_t i = 0; i < n; ++i) product *= a[i];
      return product;
    }
    case Op::log_sum_exp: return log_sum_exp(a, n);
    case Op::minimum: return n == 0 ? kInfinity : a[first_minimum(a, n)];
    case Op::maximum: return n == 0 ? -kInfinity : a[first_maximum(a, n)];
    default: return kNaN;
  }
}

void segment_partials(Op op, const double* a, const double* b, std::size_t n, double out, double* da, double* db) {
  switch (op) {
    case Op::sum: std::fill(da, da + n, 1.0); break;
    case Op::dot:
      std::copy(b, b + n, da);
      std::copy(a, a + n, db);
      break;
    case Op::product: {
      // Prefix times suffix: exact where factors are zero.
      double prefix = 1;
      for (std::size_t i = 0; i < n; ++i) {
        da[i] = prefix;
        prefix *= a[i];
      }
      double suffix = 1;
      for (std::size_t i = n; i-- > 0;) {
        da[i] *= suffix;
        suffix *= a[i];
      }
      break;
    }
    case Op::log_sum_exp:
      for (std::size_t i = 0; i < n; ++i) da[i] = a[i] == -kInfinity ? 0 : std::exp(a[i] - out);
      break;
    case Op::minimum:
    case Op::maximum:
      std::fill(da, da + n, 0.0);
      if (n > 0) da[op == Op::minimum ? first_minimum(a, n) : first_maximum(a, n)] = 1;
      break;
    default: break;
  }
}

void whole_value(Op op, std::uint32_t lanes, std::uint32_t rows, const double* a, const double* b, double* out) {
  switch (op) {
    case Op::softmax: softmax(a, lanes, out); break;
    case Op::cumulative_sum: {
      double sum = 0;
      for (std::uint32_t i = 0; i < lanes; ++i) out[i] = sum += a[i];
      break;
    }
    case Op::cholesky: cholesky(a, rows, out); break;
    case Op::solve_lower:
      std::copy(b, b + lanes, out);
      if (rows > 0) solve_lower(a, rows, lanes / rows, out);
      break;
    case Op::solve_lower_transposed:
      std::copy(b, b + lanes, out);
      if (rows > 0) solve_lower_transposed(a, rows, lanes / rows, out);
      break;
    default: break;
  }
}

void whole_reverse(Op op, std::uint32_t lanes, std::uint32_t rows, const double* a, const double* b, const double* out,
                   const double* adjoint, double* da, double* db) {
  const std::size_t n = rows;
  switch (op) {
    case Op::softmax: {
      double mean = 0;
      for (std::uint32_t i = 0; i < lanes; ++i) mean += adjoint[i] * out[i];
      for (std::uint32_t i = 0; i < lanes; ++i) da[i] = out[i] * (adjoint[i] - mean);
      break;
    }
    case Op::cumulative_sum: {
      double sum = 0;
      for (std::uint32_t i = lanes; i-- > 0;) da[i] = sum += adjoint[i];
      break;
    }
    case Op::cholesky: cholesky_reverse(rows, out, adjoint, da); break;
    case Op::solve_lower:
    case Op::solve_lower_transposed: {
      // X = L^-1 B: dB = L^-T dX, dL = -dB X' on the lower triangle. X = L^-T B: dB = L^-1 dX, dL = -X dB'.
      if (n == 0) break;
      const bool plain = op == Op::solve_lower;
      std::copy(adjoint, adjoint + lanes, db);
      const auto columns = static_cast<std::uint32_t>(lanes / n);
      if (plain) {
        solve_lower_transposed(a, rows, columns, db);
      } else {
        solve_lower(a, rows, columns, db);
      }
      std::fill(da, da + n * n, 0.0);
      for (std::uint32_t c = 0; c < columns; ++c) {
        const double* left = plain ? db + c * n : out + c * n;
        const double* right = plain ? out + c * n : db + c * n;
        for (std::size_t j = 0; j < n; ++j) {
          for (std::size_t i = j; i < n; ++i) da[j * n + i] -= left[i] * right[j];
        }
      }
      break;
    }
    default: break;
  }
  (void)b;
}

}  // namespace tenfold::hmc_marg
