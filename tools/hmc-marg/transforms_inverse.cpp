// Constrained values back to unconstrained scalars, and what keeps a value out of its constraint. Numbers only.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "hmc-marg/transforms.h"

namespace tenfold::hmc_marg {
namespace {

constexpr double kTolerance = 1e-8;

std::string text(double x) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.10g", x);
  return buffer;
}

// Lower Cholesky factor of a symmetric matrix, column-major; false if it is not positive definite.
bool factorise(std::span<const double> a, std::size_t n, std::vector<double>& factor) {
  factor.assign(n * n, 0);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double s = a[i + j * n];
      for (std::size_t k = 0; k < j; ++k) s -= factor[i + k * n] * factor[j + k * n];
      if (i == j) {
        if (!(s > 0)) return false;
        factor[j + j * n] = std::sqrt(s);
      } else {
        factor[i + j * n] = s / factor[j + j * n];
      }
    }
  }
  return true;
}

// The inverse of the correlation factor's rows: c_ij = L_ij / sqrt(1 - sum_{k < j} L_ik^2), q = atanh c.
template <class Place>
void free_correlation_factor(std::span<const double> factor, std::size_t n, std::span<double> free, Place place) {
  for (std::size_t i = 1; i < n; ++i) {
    double left = 1;
    for (std::size_t j = 0; j < i; ++j) {
      const double entry = factor[i + j * n];
      free[place(i, j)] = std::atanh(entry / std::sqrt(left));
      left -= entry * entry;
    }
  }
}

void free_covariance_factor(std::span<const double> factor, std::size_t rows, std::size_t columns, std::span<double> free) {
  std::size_t next = 0;
  for (std::size_t m = 0; m < rows; ++m) {
    for (std::size_t k = 0; k < std::min(m, columns); ++k) free[next++] = factor[m + k * rows];
    if (m < columns) free[next++] = std::log(factor[m + m * rows]);
  }
}

// Centred logarithms are v up to rounding; w_n follows from v_{n+1} and the sum of the later w.
void free_simplex(std::span<const double> x, std::span<double> free) {
  const std::size_t size = x.size();
  double mean = 0;
  for (const double value : x) mean += std::log(value) / static_cast<double>(size);
  double sum = 0;
  for (std::size_t n = size - 1; n >= 1; --n) {
    // v_{n+1} = sum_{k > n} w_k - n w_n
    const double v = std::log(x[n]) - mean;
    const double w = (sum - v) / static_cast<double>(n);
    sum += w;
    free[n - 1] = w * std::sqrt(static_cast<double>(n * (n + 1)));
  }
}

std::optional<std::string> triangular_fault(std::span<const double> x, std::size_t rows, std::size_t columns) {
  if (rows < columns) return "it has fewer rows than columns";
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      if (x[i + j * rows] != 0)
        return "it is not lower triangular: element [" + std::to_string(i + 1) + ", " + std::to_string(j + 1) + "] is " +
               text(x[i + j * rows]);
    }
    if (!(x[j + j * rows] > 0))
      return "its diagonal is not positive: element " + std::to_string(j + 1) + " is " + text(x[j + j * rows]);
  }
  return std::nullopt;
}

std::optional<std::string> symmetric_fault(std::span<const double> x, std::size_t n, bool unit_diagonal) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!(std::fabs(x[i + j * n] - x[j + i * n]) <= kTolerance)) {
        return "it is not symmetric: elements [" + std::to_string(i + 1) + ", " + std::to_string(j + 1) +
               "] and its mirror are " + text(x[i + j * n]) + " and " + text(x[j + i * n]);
      }
    }
    if (unit_diagonal && !(std::fabs(x[i + i * n] - 1) <= kTolerance))
      return "its diagonal is not 1: element " + std::to_string(i + 1) + " is " + text(x[i + i * n]);
  }
  std::vector<double> factor;
  if (!factorise(x, n, factor)) return "it is not positive definite";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> bound_fault(double x, double lower, double upper) {
  if (std::isnan(x)) return "it is NaN";
  if (!(x >= lower)) return text(x) + " is below the lower bound " + text(lower);
  if (!(x <= upper)) return text(x) + " is above the upper bound " + text(upper);
  return std::nullopt;
}

std::optional<std::string> constraint_fault(ConstraintKind constraint, std::span<const double> x, std::span<const int> dims) {
  if (constraint == ConstraintKind::none || constraint == ConstraintKind::bounded || constraint == ConstraintKind::affine)
    return std::nullopt;
  const auto n = static_cast<std::size_t>(dims[0]);
  for (const double value : x) {
    if (std::isnan(value)) return "it holds a NaN";
  }
  switch (constraint) {
    case ConstraintKind::simplex: {
      if (n == 0) return "a simplex needs at least one element";
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        if (!(x[i] >= 0))
          return "element " + std::to_string(i + 1) + " of a simplex is " + text(x[i]) + ", but must not be negative";
        sum += x[i];
      }
      if (!(std::fabs(sum - 1) <= kTolerance)) return "a simplex sums to 1, found " + text(sum);
      return std::nullopt;
    }
    case ConstraintKind::ordered:
    case ConstraintKind::positive_ordered:
      if (constraint == ConstraintKind::positive_ordered && n > 0 && !(x[0] >= 0))
        return "element 1 is " + text(x[0]) + ", but must not be negative";
      for (std::size_t i = 1; i < n; ++i) {
        if (!(x[i] > x[i - 1]))
          return "it is not increasing: elements " + std::to_string(i) + " and " + std::to_string(i + 1) + " are " +
                 text(x[i - 1]) + " and " + text(x[i]);
      }
      return std::nullopt;
    case ConstraintKind::cholesky_factor_corr: {
      if (auto fault = triangular_fault(x, n, n)) return fault;
      for (std::size_t i = 0; i < n; ++i) {
        double square = 0;
        for (std::size_t j = 0; j <= i; ++j) square += x[i + j * n] * x[i + j * n];
        if (!(std::fabs(square - 1) <= kTolerance))
          return "row " + std::to_string(i + 1) + " of a correlation factor has length " + text(std::sqrt(square)) +
                 ", but must have 1";
      }
      return std::nullopt;
    }
    case ConstraintKind::cholesky_factor_cov: return triangular_fault(x, n, static_cast<std::size_t>(dims[1]));
    default: return symmetric_fault(x, n, constraint == ConstraintKind::corr_matrix);
  }
}

double free_bounded(double x, double lower, double upper) {
  const bool has_lower = !std::isinf(lower), has_upper = !std::isinf(upper);
  if (has_lower && has_upper) return std::log((x - lower) / (upper - x));
  if (has_lower) return std::log(x - lower);
  if (has_upper) return std::log(upper - x);
  return x;
}

void free_element(ConstraintKind constraint, std::span<const double> x, std::span<const int> dims, std::span<double> free) {
  if (free.empty()) return;
  const auto n = static_cast<std::size_t>(dims[0]);
  std::vector<double> factor;
  switch (constraint) {
    case ConstraintKind::simplex: free_simplex(x, free); break;
    case ConstraintKind::ordered:
    case ConstraintKind::positive_ordered:
      free[0] = constraint == ConstraintKind::ordered ? x[0] : std::log(x[0]);
      for (std::size_t i = 1; i < n; ++i) free[i] = std::log(x[i] - x[i - 1]);
      break;
    case ConstraintKind::cholesky_factor_corr:
      free_correlation_factor(x, n, free, [](std::size_t i, std::size_t j) { return i * (i - 1) / 2 + j; });
      break;
    case ConstraintKind::corr_matrix:
      factorise(x, n, factor);
      free_correlation_factor(factor, n, free, [n](std::size_t i, std::size_t j) { return j * n - j * (j + 1) / 2 + i - j - 1; });
      break;
    case ConstraintKind::cholesky_factor_cov: free_covariance_factor(x, n, static_cast<std::size_t>(dims[1]), free); break;
    case ConstraintKind::cov_matrix:
      factorise(x, n, factor);
      free_covariance_factor(factor, n, n, free);
      break;
    default: std::copy(x.begin(), x.end(), free.begin());
  }
}

}  // namespace tenfold::hmc_marg
