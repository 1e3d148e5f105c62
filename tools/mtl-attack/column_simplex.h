// The simplex method for a small linear programme whose columns arrive one by one: the master problem of a cutting-plane method,
// seen from its dual. A handful of rows (at most some seventeen), hundreds of columns.
//
//     maximise  sum_k cost_k p_k   subject to   sum_k column_k p_k = right side,   p >= 0
//
// The basis stays feasible when a column is added, so each master is solved from where the last one ended. Dantzig 1951; Bland's
// rule (1977) where steps of length zero go on.
#pragma once

#include <span>
#include <vector>

namespace tenfold::mtl_attack {

class ColumnSimplex {
 public:
  explicit ColumnSimplex(std::vector<double> right_side);

  int add_column(double cost, std::span<const double> column);  // its index
  // As many columns as rows, independent, with a solution >= 0.
  void set_basis(std::vector<int> basis);

  void maximise();

  double value() const;
  std::vector<double> multipliers() const;  // of the rows: the dual solution
  // The columns in the basis with their weights; all others are 0.
  const std::vector<int>& basis() const { return basis_; }
  const std::vector<double>& weights() const { return weights_; }

 private:
  double& inverse(int row, int column) { return inverse_[static_cast<std::size_t>(row * rows_ + column)]; }
  double inverse(int row, int column) const { return inverse_[static_cast<std::size_t>(row * rows_ + column)]; }
  const double* column(int index) const { return columns_.data() + static_cast<std::ptrdiff_t>(index) * rows_; }
  void refactor();
  int entering(bool first) const;  // -1: none, optimal
  int leaving(const std::vector<double>& along, bool first) const;
  void pivot(int entering, int row, const std::vector<double>& along);

  int rows_;
  std::vector<double> right_side_, costs_, columns_, inverse_, weights_;
  std::vector<int> basis_;
};

}  // namespace tenfold::mtl_attack
