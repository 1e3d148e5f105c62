// hmc-marg grad: the log density and its gradient at a point, and the values of all columns there.
#pragma once

#include "cli/option_table.h"
#include "cli/result.h"
#include "cli/run.h"
#include "hmc-marg/options.h"

namespace tenfold::hmc_marg {

struct GradOptions {
  ModelOptions model;
  PlanOptions plan;
  std::string at = "0";
  bool joint = false, marginal = false;  // neither: joint
  bool propto = false;
  bool differences = false;
  bool columns = false;
};

// The point of `grad --at 0|1|2`: 0.1 + 0.05 (i mod 7) - 0.15 (i mod 3); 0.02 ((i mod 5) - 2); zeros. i from 0 over all free
// scalars.
std::vector<double> standard_point(int which, int size);

void describe(GradOptions& options, cli::OptionTable& table);
cli::Result grad(const GradOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
