// The LibTorch part: the marginal density computed a second time, by autograd over a dense Gaussian block. It shares no code with
// the affine analysis and the elimination: rows come from evaluating the program's residuals at zero and at unit vectors.
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
};

}  // namespace tenfold::hmc_marg
