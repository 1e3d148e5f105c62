// The Gaussian block as a factor: log of the integral over the eliminated scalars of all rows, with its reverse rule.
//
// With whitened scalars e, rows u_k = (c_k + a_k'e) / s_k and M = D + sum a_k a_k' / s_k^2 (D_ii = 1 for whitened, 0 for flat
// scalars):
//   log p = -(1/2)(sum u_k^2 + sum over whitened e_i^2) - (1/2) log |M|,   e = argmax,
// plus BlockSystem::constant and -N log s terms, which the plan adds to the target. The value is the sum of squared residuals,
// not q0 - g'M^-1 g, which cancels. Reverse rule by Fisher's identity, V = M^-1 on the pattern of the rows, t = V a, v = a'V a /
// s^2:
//   d/dc = -u / s,  d/da_i = -(u e_i + t_i / s) / s,  d/ds = (u^2 + v) / s.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "hmc-marg/block_layout.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {

class GaussianBlock : public CustomFactor {
 public:
  // choose: whose kernels; a test asks for those of another instruction set.
  explicit GaussianBlock(const BlockSystem& system, ChooseKernels choose = block_kernels);
  std::vector<Slot> inputs() const override { return layout_->inputs; }
  std::shared_ptr<const CustomFactor> bound(std::span<const std::uint32_t> places) const override {
    auto copy = std::make_shared<GaussianBlock>(*this);
    copy->places_.assign(places.begin(), places.end());
    return copy;
  }
  std::size_t workspace_size() const override;
  // NaN where a scale is not positive, or a direction is not identified (a pivot of M is not positive).
  double evaluate(const double* values, double* adjoints, double* workspace) const override;
  const BlockLayout& layout() const { return *layout_; }

 private:
  std::shared_ptr<const BlockLayout> layout_;  // shared by bound copies
  std::vector<std::uint32_t> places_;
  // Where the parts of the workspace begin, in doubles from its first multiple of 64 bytes.
  struct Workspace {
    std::size_t work = 0, scratch = 0, factor = 0, factor_adjoint = 0, inverse_scale = 0, scale_adjoint = 0, border = 0,
                border_vector = 0, border_scratch = 0;
    std::size_t size = 0;
  };
  Workspace workspace_;
};

}  // namespace tenfold::hmc_marg
