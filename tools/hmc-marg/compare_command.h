// hmc-marg compare: variants of a model, or of the paper's programs, over seeds, and what that gains.
#pragma once

#include <string>
#include <vector>

#include "cli/option_table.h"
#include "cli/result.h"
#include "cli/run.h"
#include "hmc-marg/options.h"
#include "hmc-marg/sampler.h"

namespace tenfold::hmc_marg {

struct CompareOptions {
  ModelOptions model;
  PlanOptions plan;  // of auto
  int seeds = 5;
  std::vector<std::string> variants = {"none", "reparam", "auto"};
  std::string twin;   // another program with the same data, or empty
  std::string suite = "none";  // or "paper"
  std::string data_dir;
  SamplerOptions sampler;  // chains, warmup, draws, delta
  bool strict = false;     // exit 1 where a clause that was run does not hold
};

void describe(CompareOptions& options, cli::OptionTable& table);
cli::Result compare(const CompareOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
