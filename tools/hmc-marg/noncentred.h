// The non-centred form of a model: a parameter z with the prior z ~ normal(l, s) is sampled as epsilon, z = l + s * epsilon, so
// that no funnel is left where its spread s is sampled, too.
#pragma once

#include <string>
#include <vector>

#include "hmc-marg/certificate.h"
#include "hmc-marg/factor_graph.h"

namespace tenfold::hmc_marg {

// The same model with each of `parameters` declared as if with <offset=l, multiplier=s>: free holds epsilon, value is a node over
// it, and std_normal(epsilon) stands in place of the prior's lanes, so that (z - l) / s is never formed. Columns and inits still
// hold z. A scalar's prior is its first normal factor in source order whose variate is that scalar alone. The graph is made anew:
// slots of the old one mean nothing in it. A parameter that is in this form already stays. Throws Error(infeasible) where a
// scalar has no such prior, or l or s depends on the parameter itself, naming parameter and line.
FactorGraph noncentred(const FactorGraph& model, const std::vector<int>& parameters);

// Checks at random points that `rewritten` is the density of `original` at z = l + s * epsilon times the product of s: the change
// of variables that noncentred promises.
CertificateResult certify_noncentred(const FactorGraph& original, const FactorGraph& rewritten, std::uint64_t seed,
                                     int points = 32);

}  // namespace tenfold::hmc_marg
