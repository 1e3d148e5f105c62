// Proof at every start that elimination is exact: log p(kept, z, y) = log p(z | kept, y) + log p_marg(kept, y) at random points.
// The joint density comes from the uneliminated graph, the conditional from the numbers that recovery draws with
// (specification, 2.10).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "hmc-marg/plan.h"

namespace tenfold {
class PhiloxStream;
}

namespace tenfold::hmc_marg {

struct CertificateResult {
  int points = 0;              // points compared (where the joint density is finite)
  double max_abs_error = 0;
  double max_rel_error = 0;    // error / max(1, sum over factors of |log density|)
  int lost = 0;                // points in U(-2, 2) that have no conditional, or a finite joint density and no marginal one
  bool ok = false;
  std::string worst;  // where and how it failed, or at which point the error was largest
};

// The three densities as functions, so that the check can be checked: tests pass functions with planted errors.
struct CertificateParts {
  int kept_free = 0;  // dimension of the kept parameters, unconstrained
  int eliminated = 0;  // scalars eliminated
  // log p(kept, z, y), no Jacobian of z; magnitude receives the sum over factors of |log density|.
  std::function<double(std::span<const double> kept, std::span<const double> z, double& magnitude)> joint;
  std::function<double(std::span<const double> kept)> marginal;
  // Prepares the conditional at `kept`; false where it does not exist.
  std::function<bool(std::span<const double> kept)> condition;
  std::function<void(PhiloxStream&, std::span<double> z)> draw;
  // Points off the conditional: each scalar moved by 3 N(0, 1) of its standard deviations, independently.
  std::function<void(PhiloxStream&, std::span<double> z)> draw_wide;
  std::function<double(std::span<const double> z)> log_conditional;
};

inline constexpr double kCertificateTolerance = 1e-8;

// Kept parameters from U(-2, 2) unconstrained, every fourth point from U(-6, 6); z alternately from draw and draw_wide. A point
// whose joint is not finite is skipped; a non-finite marginal with a finite joint fails, at U(-6, 6) it is skipped. Fewer than 16
// points fail.
CertificateResult certify(const CertificateParts& parts, std::uint64_t seed, int points = 64);

// The same for a model and its marginal; ok with 0 points where nothing is eliminated. Throws Error(infeasible) naming the scalar
// where nothing determines one of those eliminated.
CertificateResult certify(const FactorGraph& model, const Marginal& marginal, std::uint64_t seed, int points = 64);

}  // namespace tenfold::hmc_marg
