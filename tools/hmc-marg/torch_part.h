// The LibTorch part: the marginal density computed a second time, by autograd. It shares no code with analyses and elimination:
// rows of a dense Gaussian block come from evaluating the program's residuals at zero and at unit vectors, the coefficients of a
// conjugate family's kernel from gradients of the program's density.
#pragma once

#include <span>
#include <vector>

#include "hmc-marg/factor_graph.h"

namespace tenfold::hmc_marg {

// Most eliminated scalars the dense block takes.
inline constexpr int kOracleLimit = 2000;

class TorchPart {
 public:
  virtual ~TorchPart() = default;
  // log p(kept, data) with the parameters `eliminated` (indices into graph.parameters, ascending) integrated out, full form, kept
  // Jacobians included. kept: the free scalars of the others in declaration order; gradient alike. eliminated may be empty: the
  // joint density. Throws Error(input) for an operation it does not know.
  virtual double log_density(const FactorGraph& graph, const std::vector<int>& eliminated, std::span<const double> kept,
                             std::span<double> gradient) = 0;
  // Absolute rounding error to be expected in the last value, of differences of lgamma; 0 without conjugate families.
  virtual double rounding() const = 0;
};

}  // namespace tenfold::hmc_marg
