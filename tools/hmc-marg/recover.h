// Draws of the eliminated parameters from their exact conditional given the kept ones (specification, 2.9).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "hmc-marg/plan.h"

namespace tenfold {
class PhiloxStream;
}

namespace tenfold::hmc_marg {

// The numbers that a conditional is made of, for one value of the kept parameters: e ~ N(mean, (L L')^-1), z_i = l_i(z) + s_i
// e_i. Public so that a test can put an error into each and see the certificate break.
struct ConditionalNumbers {
  std::vector<double> mean;          // [n] of e, in the order of the eliminated scalars
  std::vector<double> component;     // L's diagonal blocks, one after the other, each d x d row-major, lower triangle
  std::vector<double> coupling;      // for each component M_cb L_c^-T as [p][d]: L's rows of the border
  std::vector<double> border;        // L's last block, [p][p] row-major, lower triangle
  std::vector<double> values;        // of the slots that whitening and the rows refer to, then a 1
  double log_diagonal = 0;           // sum of log L_ii
  double log_scales = 0;             // sum of log s_i: the Jacobian of e -> z
  std::vector<double> family;        // parts of the conditionals of conjugate families, in the order of FamilySystem
};

// Not thread safe: make one a thread. Takes constrained values, as a CSV holds them, so that a recovery from a file repeats the
// one in the run.
class Recovery {
 public:
  Recovery(const FactorGraph& model, const Marginal& marginal);
  ~Recovery();
  Recovery(Recovery&&) noexcept;
  Recovery& operator=(Recovery&&) noexcept;

  std::size_t kept_size() const;        // constrained scalars of the kept parameters, declaration order, value.h's layout
  std::size_t eliminated_size() const;  // scalars of the eliminated parameters, declaration order, value.h's layout

  // Must come before the rest. False where the conditional does not exist (non-finite, or not positive definite): draw then gives
  // NaN.
  bool condition(std::span<const double> kept_constrained);

  // z [eliminated_size()]: e = mean + L^-T u, then z in whitening order, from one normal a scalar of the block; then the
  // families.
  void draw(PhiloxStream& random, std::span<double> z) const;
  // Points away from the conditional, for the certificate: e_i = mean_i + width * u_i / L_ii, each scalar moved on its own;
  // families from U(-4, 4) unconstrained.
  void draw_independent(PhiloxStream& random, double width, std::span<double> z) const;
  // log p(z | kept, data): density with respect to z. Separate code on the numbers that draw uses.
  double log_conditional(std::span<const double> z) const;

  void mean(std::span<double> z) const;  // E[z | kept, data]
  void variance(std::span<double> z) const;  // Var[z_i | kept, data]: a solve a scalar, over the components it stands on
  void excess_kurtosis(std::span<double> z) const;  // of z_i | kept, data; 0 in the block
  double covariance(std::size_t i, std::size_t j) const;

  ConditionalNumbers& numbers();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tenfold::hmc_marg
