// Why the certificate of a model does not hold, in a sentence that says where and what would do.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "hmc-marg/certificate.h"
#include "hmc-marg/model.h"

namespace tenfold::hmc_marg {

// The source line of the first density, term or bound of a target that is not finite at q, or 0.
int first_failing_line(const FactorGraph& model, const TargetSpec& target, std::span<const double> q);

// Of a result that is not ok. Three cases: the program's own density is finite at none of 64 points (with the first line that is
// not, and data that are infinite); the integral over the eliminated parameters is finite nowhere; the identity does not hold.
// Only where the program's own density is finite and nothing says that the posterior is improper, sampling it as it stands is
// offered.
std::string certificate_failure(const Model& model, const Marginal& marginal, const CertificateResult& result,
                                std::uint64_t seed);

// The same of certify_noncentred().
std::string noncentred_failure(const CertificateResult& result);

}  // namespace tenfold::hmc_marg
