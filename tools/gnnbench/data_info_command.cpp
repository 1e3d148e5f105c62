#include "gnnbench/data_info_command.h"

#include <nlohmann/json.hpp>

#include "gnnbench/graph_facts.h"
#include "gnnbench/load.h"

namespace tenfold::gnnbench {

struct DataInfoOptions {
  LoadOptions load;
};

void describe(DataInfoOptions& o, cli::OptionTable& table) { describe_load(o.load, table, "embedded:karate"); }

namespace {

cli::Result data_info(const DataInfoOptions& options, cli::Run& run) {
  LoadOptions load = options.load;
  load.verify = true;
  const Dataset data = load_dataset(load, run);
  cli::Result result;
  result.value = info_json(data);
  result.human = info_text(data);
  return result;
}

}  // namespace

cli::Subcommand data_info_command() {
  return cli::subcommand<DataInfoOptions>(
      "data info", "what a graph holds: sizes, degrees, homophily, features, labels, split", data_info,
      {.examples = {"gnnbench data info sample_data/gnn/karate.csv --labels sample_data/gnn/karate_labels.csv",
                    "gnnbench data info sample_data/gnn/iris.npz --split per-class:10,30,60", "gnnbench data info"},
       .description =
           "Reads any of the inputs, checks it throughout (of a .gnnb folder also the hashes), and counts. What was found "
           "out by looking, such as separator and first id, is said on standard error."});
}

}  // namespace tenfold::gnnbench
