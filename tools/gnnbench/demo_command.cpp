#include "gnnbench/demo_command.h"

#include <nlohmann/json.hpp>

#include "gnnbench/compare_systems.h"
#include "gnnbench/generate.h"

namespace tenfold::gnnbench {

struct DemoOptions {
  int seeds = 3;
  std::int64_t nodes = 60'000;
};

void describe(DemoOptions& o, cli::OptionTable& table) {
  table.add("--seeds", o.seeds, "runs of each system").between(1, 1000);
  table.add("--nodes", o.nodes, "nodes of the generated graph").between(1000, 1e8);
}

namespace {

// One model, one evaluation; every family has a learning rate and an amount of training that suit it (chosen on other seeds).
ComparisonTask demo_task(const DemoOptions& options, std::uint64_t seed) {
  ComparisonTask task;
  task.train.model.layers = 2;
  task.train.model.hidden = 64;
  task.train.model.dropout = 0.5;
  task.train.batch = 512;
  task.train.lr = 0.01;
  task.train.epochs = 36;
  task.train.eval_every = "geo:1.12";
  task.train.partition.objective = PartitionObjective::cut;
  task.systems = {"sync", "pipe@2", "bns:0.1@2", "ns:5:5+updates=240", "cluster+lr=0.005+updates=480"};
  task.baselines = {"mlp", "labelprop"};
  task.seeds = options.seeds;
  task.first_seed = seed;
  task.measure = {.target = parse_target("auto:0.99"), .on = Part::val, .clock = ClockKind::train};
  return task;
}

cli::Result demo(const DemoOptions& options, cli::Run& run) {
  const GenerateOptions graph{.kind = GraphKind::dcsbm, .nodes = options.nodes, .seed = run.seed()};
  return compare_systems(demo_task(options, run.seed()), generate_dataset(graph, run.threads()), {}, run);
}

}  // namespace

cli::Subcommand demo_command() {
  return cli::subcommand<DemoOptions>(
      "demo", "full-graph and mini-batch systems on a generated graph, about a minute on two cores", demo,
      {.run_directory = true,
       .resumable = true,
       .random = true,
       .threads = true,
       .threads_in_identity = true,
       .torch = true,
       .timed = true,
       .examples = {"gnnbench demo", "gnnbench demo --seeds 1 --nodes 10000 -o build/demo-small"},
       .description = "A degree-corrected stochastic block model of 60,000 nodes and 16 classes, of which neither features nor "
                      "neighbours alone tell enough; GraphSAGE of two layers and 64 units; three seeds."});
}

}  // namespace tenfold::gnnbench
