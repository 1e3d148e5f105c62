// hmc-marg sample: plan, certificate, chains, summary, diagnostics.
#pragma once

#include "cli/option_table.h"
#include "cli/result.h"
#include "cli/run.h"
#include "hmc-marg/options.h"
#include "hmc-marg/rao_blackwell.h"
#include "hmc-marg/sampler.h"

namespace tenfold::hmc_marg {

struct SampleOptions {
  ModelOptions model;
  PlanOptions plan;
  SamplerOptions sampler;
  RaoBlackwell rao_blackwell = RaoBlackwell::on;
  bool strict = false;  // exit 1 where a diagnostic warns
};

void describe(SampleOptions& options, cli::OptionTable& table);
cli::Result sample(const SampleOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
