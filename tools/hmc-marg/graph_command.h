// hmc-marg graph: the factor graph, as JSON or for Graphviz.
#pragma once

#include <string>

#include "cli/option_table.h"
#include "cli/result.h"
#include "cli/run.h"
#include "hmc-marg/options.h"

namespace tenfold::hmc_marg {

struct GraphOptions {
  ModelOptions model;
  std::string as = "json";
};

void describe(GraphOptions& options, cli::OptionTable& table);
cli::Result graph(const GraphOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
