// hmc-marg graph.
#include "hmc-marg/graph_command.h"

#include "hmc-marg/graph_json.h"

namespace tenfold::hmc_marg {

void describe(GraphOptions& o, cli::OptionTable& table) {
  describe_model(o.model, table);
  table.add("--as", o.as, "the form of the output").one_of({"json", "dot"});
}

cli::Result graph(const GraphOptions& options, cli::Run& run) {
  const Model model = load(options.model, run.seed());
  (options.as == "dot" ? write_graph_dot : write_graph_json)(model, run.product());
  return {};
}

}  // namespace tenfold::hmc_marg
