// Sum of weight * [lgamma(a + y) - lgamma(a)] as a factor with its reverse rule: what plates of conjugate families leave.
//
// Never a difference of lgamma. Terms of equal a are one group. Counts y of a group are taken together where that is cheaper:
//   sum_i w_i log(Gamma(a + y_i) / Gamma(a)) = log prod_j (a + j)^h_j,  h_j = sum of w_i with y_i > j;   d/da = sum_j h_j / (a +
//   j);
// else each distinct y has lgamma_diff and digamma_diff of its own. Products of all groups meet as mantissa and power of two, so
// that one logarithm serves all, and what is large in Gamma(a + y) Gamma(b + z) / Gamma(a + b + y + z) cancels as integers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hmc-marg/conjugate.h"
#include "hmc-marg/kernels.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {

struct GammaRatio {
  Quantity a, y;
  double weight = 1;
};

class GammaRatioFactor : public CustomFactor {
 public:
  explicit GammaRatioFactor(std::vector<GammaRatio> terms);
  std::vector<Slot> inputs() const override { return inputs_; }
  std::shared_ptr<const CustomFactor> bound(std::span<const std::uint32_t> places) const override;
  std::size_t workspace_size() const override { return 0; }
  // NaN where an a is not positive or a y negative.
  double evaluate(const double* values, double* adjoints, double* workspace) const override;

  double known() const { return constant_; }       // of the terms without a slot
  bool empty() const { return groups_.empty(); }
  std::size_t histogram_bins() const { return height_.size(); }    // factors a + j taken by an evaluation
  std::size_t differences() const { return differences_.size(); }  // lgamma_diff taken by an evaluation
  double predicted_ns() const;                                     // of an evaluation with its gradient, from these counts

 private:
  struct Difference {
    double weight = 0, y = 0;
    std::int32_t y_input = -1;
  };
  struct Group {
    std::int32_t input = -1;  // of a; -1: known
    double a = 0;
    double sign = 1;                          // of all weights of its bins
    std::uint32_t first_block = 0, blocks = 0;  // of 32 bins
    std::uint32_t first_difference = 0, differences = 0;
  };
  std::vector<Slot> inputs_;
  std::vector<std::uint32_t> places_;
  std::vector<Group> groups_;
  std::vector<double> height_, drop_;  // h_j; h_j - h_(j+32)
  std::vector<std::uint8_t> most_;     // largest drop of a block
  std::vector<Difference> differences_;
  double constant_ = 0;
  void (*rising_powers_)(const RisingTable& table, double a, RisingPowers& out);

  void add_bins(Group& group, std::span<const Difference> counts);
  RisingPowers powers(const Group& group, double a) const;
};

}  // namespace tenfold::hmc_marg
