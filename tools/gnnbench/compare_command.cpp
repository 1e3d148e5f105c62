#include "gnnbench/compare_command.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "gnnbench/compare_systems.h"
#include "gnnbench/gnnb_store.h"
#include "gnnbench/idle_options.h"
#include "gnnbench/load.h"

namespace tenfold::gnnbench {

struct CompareOptions {
  TrainOptions train;                  // what all systems share
  std::optional<std::int64_t> batch;   // min(1024, max(64, a twentieth of the training nodes)) unless given
  std::vector<std::string> systems = default_systems();
  std::vector<std::string> baselines = {"mlp", "labelprop"};
  int seeds = 5;
  std::string target = "auto:0.99";
  bool strict = false;
};

void describe(CompareOptions& o, cli::OptionTable& table) {
  describe_load(o.train.load, table);
  table
      .add("--systems", o.systems,
           "what to compare: sync, pipe, bns:p, ns:k1:k2, labor:k1:k2, cluster:P:q, with @workers and +option=value")
      .value_name("SYSTEM,..");
  table.add("--baselines", o.baselines, "what each system should beat: mlp, labelprop, or none").value_name("NAME,..");
  table.add("--seeds", o.seeds, "runs of each system, with --seed and those after it").between(1, 10'000);
  table.flag("--strict", o.strict, "exit 1 if a run misses the target, a system does not beat a baseline, or protocols differ");
  describe_training(o.train, table, false);
  drop_run_options(table);  // a run's own --target among them
  table.add("--target", o.target, "accuracy whose time is compared, or auto:f: f times the weaker family's best")
      .value_name("X|auto:f");
  cli::OptionSpec& batch = *table.find("batch");
  batch.slot = &o.batch;
  batch.help = "mini-batch: seeds a worker and update; min(1024, max(64, a twentieth of the training nodes)) unless given";
}

namespace {

// A .gnnb folder that the options leave as it is need not be written once more.
std::filesystem::path stored_as_it_is(const std::string& input, const Dataset& data) {
  const std::filesystem::path path = input;
  return is_gnnb(path) && open_gnnb(path, false).digest == data.digest ? path : std::filesystem::path();
}

// Options that act on none of the systems. Where and by which clock the target is looked for is the comparison's own affair.
void warn_of_idle(const ComparisonTask& task, bool batch_given, cli::Run& run) {
  std::vector<std::pair<std::string, std::string>> idle;
  bool first = true;
  for (const auto* list : {&task.systems, &task.baselines})
    for (const std::string& word : *list) {
      const SystemSpec system = parse_system(word);
      const auto own = idle_options(with_overrides(task.train, system), system);
      const auto is_own = [&](const auto& entry) {
        return std::any_of(own.begin(), own.end(), [&](const auto& other) { return other.first == entry.first; });
      };
      if (first) idle = own;
      std::erase_if(idle, [&](const auto& entry) { return !is_own(entry); });
      first = false;
    }
  for (const auto& [name, why] : idle)
    if (name != "target-on" && name != "clock" && (name != "batch" || batch_given))
      run.warn(fmt::format("--{} has no effect on any system: {}", name, why));
}

cli::Result compare(const CompareOptions& options, cli::Run& run) {
  ComparisonTask task;
  task.train = options.train;
  task.systems = options.systems;
  if (options.baselines != std::vector<std::string>{"none"}) task.baselines = options.baselines;
  task.seeds = options.seeds;
  task.first_seed = run.seed();
  task.measure = {.target = parse_target(options.target), .on = options.train.target_on, .clock = options.train.clock};
  task.strict = options.strict;
  if (options.batch) task.train.batch = *options.batch;
  warn_of_idle(task, options.batch.has_value(), run);
  Dataset data = load_dataset(options.train.load, run);
  const auto train_nodes = static_cast<std::int64_t>(data.part(Part::train).size());
  task.train.batch = options.batch.value_or(std::min<std::int64_t>(1024, std::max<std::int64_t>(64, train_nodes / 20)));
  const std::filesystem::path stored = stored_as_it_is(options.train.load.data, data);
  return compare_systems(task, std::move(data), stored, run);
}

}  // namespace

cli::Subcommand compare_command() {
  return cli::subcommand<CompareOptions>(
      "compare", "train with several systems and seeds, and say which reaches the target accuracy first", compare,
      {.run_directory = true,
       .resumable = true,
       .random = true,
       .threads = true,
       .threads_in_identity = true,
       .torch = true,
       .timed = true,
       .examples =
           {"gnnbench compare sample_data/gnn/karate.csv --labels sample_data/gnn/karate_labels.csv --features identity "
            "--split random:0.5,0.25,0.25 --systems sync,ns --seeds 1 --epochs 20 --hidden 8",
            "gnnbench compare sample_data/gnn/iris.npz --split random:0.5,0.25,0.25 --systems sync,ns:5:5+lr=0.01,cluster:6:2 "
            "--seeds 2 --epochs 30 --hidden 8 --format human"},
       .description =
           "One engine, one clock and one evaluation for all. Every run is a process of its own; finished ones are kept in "
           "runs/ and not repeated by --resume. Baselines run, too: a system that beats neither an MLP nor label "
           "propagation is flagged."});
}

}  // namespace tenfold::gnnbench
