// Families of the eliminated scalars and the parameters of their conditionals.
#include "hmc-marg/scalar_conditional.h"

#include <cmath>

#include "hmc-marg/conjugate.h"

namespace tenfold::hmc_marg {

std::pair<double, double> ScalarConditional::parameters(std::span<const double> family_parts, double mean,
                                                        double variance) const {
  if (family == MixtureFamily::normal) return {mean, std::sqrt(variance)};
  const std::span<const double> own = family_parts.subspan(first, parts);
  if (family != MixtureFamily::beta || parts == 2) return {own[scalar], own[1 - scalar]};
  double others = 0;
  for (std::uint32_t k = 0; k < parts; ++k) others += k == scalar ? 0 : own[k];
  return {own[scalar], others};
}

std::vector<ScalarConditional> scalar_conditionals(const FactorGraph& model, const Marginal& marginal) {
  std::vector<std::size_t> begin(model.parameters.size(), 0);
  std::size_t size = 0;
  for (const int p : marginal.eliminated) {
    begin[static_cast<std::size_t>(p)] = size;
    size += model.parameters[static_cast<std::size_t>(p)].value.size();
  }
  std::vector<ScalarConditional> conditionals(size);
  if (!marginal.families) return conditionals;
  for (const FamilyElement& element : marginal.families->elements) {
    const MixtureFamily family = element.family == Family::gamma       ? MixtureFamily::gamma
                                 : element.family == Family::inv_gamma ? MixtureFamily::inv_gamma
                                                                       : MixtureFamily::beta;
    for (std::uint32_t k = 0; k < element.size; ++k)
      conditionals[begin[static_cast<std::size_t>(element.parameter)] + element.scalar + k] = {family, element.first,
                                                                                               element.parts, k};
  }
  return conditionals;
}

}  // namespace tenfold::hmc_marg
