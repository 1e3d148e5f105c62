// Integrals over conjugate families by autograd: of exp(T(x)) over x, where T is, in every scalar of x apart from the others,
//   positive: p log x - q x or -p log x - q / x;   unit: p log x + q log(1 - x);   simplex: sum_k p_k log x_k,
// plus what does not depend on x. T is all that is known: p and q are read off its gradient at a few x, and autograd follows
// them.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

namespace tenfold::hmc_marg::oracle {

enum class Support : std::uint8_t { positive, unit, simplex };

struct FamilyVariable {
  Support support = Support::positive;
  std::int64_t size = 0;   // scalars
  std::int64_t width = 1;  // simplex: scalars an element, side by side
};

struct FamilyIntegral {
  torch::Tensor value;   // scalar, differentiable in what T depends on besides x
  double rounding = 0;   // absolute error that the arithmetic may have made, mostly of differences of lgamma
};

// T takes a tensor [size] for each variable and gives a scalar. Throws Error(input) where T is no such kernel.
FamilyIntegral integrate_families(const std::vector<FamilyVariable>& variables,
                                  const std::function<torch::Tensor(const std::vector<torch::Tensor>&)>& T);

}  // namespace tenfold::hmc_marg::oracle
