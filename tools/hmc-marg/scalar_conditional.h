// The conditional of one eliminated scalar given the kept parameters, as a component of a mixture.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "hmc-marg/mixture.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

// Which family it is of, and for a conjugate one where its parts lie in ConditionalNumbers::family.
struct ScalarConditional {
  MixtureFamily family = MixtureFamily::normal;
  std::uint32_t first = 0, parts = 0, scalar = 0;  // a Dirichlet's k-th scalar is Beta(p_k, sum of the others)

  // The two parameters that Mixture takes, from ConditionalNumbers::family; those of a normal from the scalar's conditional mean
  // and variance.
  std::pair<double, double> parameters(std::span<const double> family_parts, double mean, double variance) const;
};

// One an eliminated scalar, in Recovery's order.
std::vector<ScalarConditional> scalar_conditionals(const FactorGraph& model, const Marginal& marginal);

}  // namespace tenfold::hmc_marg
