// Posterior moments and quantiles by quadrature, for models of which at most three dimensions are left to sample: no Monte Carlo
// error. Trapezoid rule on a lattice in the unconstrained kept parameters, which converges exponentially for smooth densities
// that vanish at the ends; the eliminated parameters by total expectation and variance over their exact conditionals
// (specification, 2.13).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/run.h"
#include "hmc-marg/draw_columns.h"
#include "hmc-marg/model.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

struct ExactOptions {
  double tolerance = 1e-9;               // of the log evidence, and of means and standard deviations in standard deviations
  std::size_t max_points = 20'000'000;   // densities evaluated at most
};

// A scalar of the posterior. NaN: not defined, or not to be had (a moment that the tails decide; a quantile of a scalar that
// depends on several coordinates).
struct ExactQuantity {
  std::string name;          // as the column of a chain file: "theta.3"
  ColumnKind kind = ColumnKind::sampled;
  bool unconstrained = false;  // the value before the constraining transform; only where there is one
  double mean = 0, sd = 0, q5 = 0, q50 = 0, q95 = 0;
};

struct ExactResult {
  std::optional<double> log_evidence;             // of the density as written; empty with flat priors
  std::optional<double> log_evidence_normalised;  // bounded priors divided by their mass; empty where that is not known
  double log_integral = 0;                        // of the density as written, whatever the priors
  double error = 0;                               // largest change at the last halving of the step
  double step = 0;                                // of the lattice, in marginal standard deviations
  std::size_t points = 0;                         // densities evaluated
  std::vector<ExactQuantity> quantities;  // declared parameters, then what depends on kept ones alone, then unconstrained values
  std::vector<std::string> left_out;  // columns without a value here: transformed parameters of eliminated ones
  std::size_t draws_outside = 0;  // of the draws given: those outside of the region that was summed
};

// Deterministic for any number of threads. draws: kept parameters of a run to be graded, unconstrained [d each]; the search for
// modes starts from some of them, too, and those that lie outside of the region found are counted. Throws Error(infeasible): more
// than three dimensions (naming them), no mode, not converged (with the error reached). Where run.stop() is raised it leaves by
// run.interrupted().
ExactResult integrate(const Model& model, const Marginal& marginal, const ExactOptions& options, cli::Run& run,
                      std::span<const std::vector<double>> draws = {});

}  // namespace tenfold::hmc_marg
