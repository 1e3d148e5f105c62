// hmc-marg summary: the table for any chain files in CmdStan's dialect.
#pragma once

#include <string>
#include <vector>

#include "cli/option_table.h"
#include "cli/result.h"
#include "cli/run.h"

namespace tenfold::hmc_marg {

struct SummaryOptions {
  std::vector<std::string> files;
};

void describe(SummaryOptions& options, cli::OptionTable& table);
cli::Result summary(const SummaryOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
