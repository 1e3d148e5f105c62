// hmc-marg summary.
#include "hmc-marg/summary_command.h"

#include <nlohmann/json.hpp>

#include "hmc-marg/chain_files.h"
#include "hmc-marg/summary.h"

namespace tenfold::hmc_marg {

void describe(SummaryOptions& o, cli::OptionTable& table) {
  table.inputs("FILES", o.files, "chain files, one a chain").file().required();
}

cli::Result summary(const SummaryOptions& options, cli::Run& run) {
  const ChainFiles chains = read_chain_files(options.files, run);
  const std::vector<SummaryRow> table = summarize(chains.draws, sampler_columns(chains.draws.names), {}, run.threads());
  cli::Result result;
  result.value = {{"chains", options.files.size()},
                  {"draws", chains.draws.rows()},
                  {"files", options.files},
                  {"summary", summary_json(table)}};
  result.human = summary_text(table, table.size());
  return result;
}

}  // namespace tenfold::hmc_marg
