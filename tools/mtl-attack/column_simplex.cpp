#include "mtl-attack/column_simplex.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "base/error.h"

namespace tenfold::mtl_attack {
namespace {

constexpr double kTolerance = 1e-11;  // of reduced costs and pivots; callers scale their numbers to 1
constexpr int kRefactorAfter = 40;    // pivots, before rounding has grown

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

ColumnSimplex::ColumnSimplex(std::vector<double> right_side)
    : rows_(static_cast<int>(right_side.size())), right_side_(std::move(right_side)) {}

int ColumnSimplex::add_column(double cost, std::span<const double> column) {
  costs_.push_back(cost);
  columns_.insert(columns_.end(), column.begin(), column.end());
  return static_cast<int>(costs_.size()) - 1;
}

void ColumnSimplex::set_basis(std::vector<int> basis) {
  basis_ = std::move(basis);
  refactor();
}

// Gauss-Jordan with partial pivoting; rows_ is at most some seventeen.
void ColumnSimplex::refactor() {
  std::vector<double> matrix(at(rows_ * rows_));
  for (int i = 0; i < rows_; ++i)
    for (int k = 0; k < rows_; ++k) matrix[at(i * rows_ + k)] = column(basis_[at(k)])[i];
  inverse_.assign(at(rows_ * rows_), 0);
  for (int i = 0; i < rows_; ++i) inverse(i, i) = 1;
  for (int k = 0; k < rows_; ++k) {
    int best = k;
    for (int i = k + 1; i < rows_; ++i)
      if (std::abs(matrix[at(i * rows_ + k)]) > std::abs(matrix[at(best * rows_ + k)])) best = i;
    const double pivot = matrix[at(best * rows_ + k)];
    if (std::abs(pivot) < 1e-14) machine_error("the simplex basis is singular");
    for (int j = 0; j < rows_; ++j) {
      std::swap(matrix[at(k * rows_ + j)], matrix[at(best * rows_ + j)]);
      std::swap(inverse(k, j), inverse(best, j));
      matrix[at(k * rows_ + j)] /= pivot;
      inverse(k, j) /= pivot;
    }
    for (int i = 0; i < rows_; ++i) {
      const double factor = matrix[at(i * rows_ + k)];
      if (i == k || factor == 0) continue;
      for (int j = 0; j < rows_; ++j) {
        matrix[at(i * rows_ + j)] -= factor * matrix[at(k * rows_ + j)];
        inverse(i, j) -= factor * inverse(k, j);
      }
    }
  }
  weights_.assign(at(rows_), 0);
  for (int i = 0; i < rows_; ++i)
    for (int j = 0; j < rows_; ++j) weights_[at(i)] += inverse(i, j) * right_side_[at(j)];
}

std::vector<double> ColumnSimplex::multipliers() const {
  std::vector<double> y(at(rows_), 0);
  for (int i = 0; i < rows_; ++i)
    for (int j = 0; j < rows_; ++j) y[at(j)] += costs_[at(basis_[at(i)])] * inverse(i, j);
  return y;
}

double ColumnSimplex::value() const {
  double sum = 0;
  for (int i = 0; i < rows_; ++i) sum += costs_[at(basis_[at(i)])] * weights_[at(i)];
  return sum;
}

int ColumnSimplex::entering(bool first) const {
  const std::vector<double> y = multipliers();
  int best = -1;
  double greatest = kTolerance;
  for (int k = 0; k < static_cast<int>(costs_.size()); ++k) {
    double reduced = costs_[at(k)];
    for (int i = 0; i < rows_; ++i) reduced -= y[at(i)] * column(k)[i];
    if (reduced <= greatest || std::find(basis_.begin(), basis_.end(), k) != basis_.end()) continue;
    best = k;
    if (first) return best;
    greatest = reduced;
  }
  return best;
}

int ColumnSimplex::leaving(const std::vector<double>& along, bool first) const {
  int row = -1;
  double shortest = 0;
  for (int i = 0; i < rows_; ++i) {
    if (along[at(i)] <= kTolerance) continue;
    const double length = std::max(weights_[at(i)], 0.0) / along[at(i)];
    const bool better = row < 0 || length < shortest ||
                        (length == shortest && (first ? basis_[at(i)] < basis_[at(row)] : along[at(i)] > along[at(row)]));
    if (!better) continue;
    row = i;
    shortest = length;
  }
  return row;
}

void ColumnSimplex::pivot(int entering, int row, const std::vector<double>& along) {
  const double pivot = along[at(row)];
  for (int j = 0; j < rows_; ++j) inverse(row, j) /= pivot;
  weights_[at(row)] /= pivot;
  for (int i = 0; i < rows_; ++i) {
    if (i == row || along[at(i)] == 0) continue;
    for (int j = 0; j < rows_; ++j) inverse(i, j) -= along[at(i)] * inverse(row, j);
    weights_[at(i)] -= along[at(i)] * weights_[at(row)];
  }
  basis_[at(row)] = entering;
}

void ColumnSimplex::maximise() {
  const int patience = 50 * rows_;  // pivots by the greatest reduced cost; from then on Bland's, which end
  for (int pivots = 1;; ++pivots) {
    const bool first = pivots > patience;
    const int next = entering(first);
    if (next < 0) break;
    std::vector<double> along(at(rows_), 0);
    for (int i = 0; i < rows_; ++i)
      for (int j = 0; j < rows_; ++j) along[at(i)] += inverse(i, j) * column(next)[j];
    const int row = leaving(along, first);
    if (row < 0 || pivots > 100 * patience) machine_error("the simplex method found no end");
    pivot(next, row, along);
    if (pivots % kRefactorAfter == 0) refactor();
  }
  refactor();
}

}  // namespace tenfold::mtl_attack
