#include "gnnbench/train_command.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "cli/torch_part.h"
#include "data/json_reader.h"
#include "gnnbench/draws_file.h"
#include "gnnbench/gnnb_store.h"
#include "gnnbench/graph_facts.h"
#include "gnnbench/idle_options.h"
#include "gnnbench/launcher.h"
#include "gnnbench/locked_folder.h"
#include "gnnbench/memory_plan.h"
#include "gnnbench/train_report.h"
#include "gnnbench/workers_inproc.h"

namespace tenfold::gnnbench {
namespace {

namespace fs = std::filesystem;

// Options under which a worker opens the store and finds the data as the launcher has them.
TrainOptions of_store(TrainOptions options, const Dataset& data, const fs::path& path) {
  options.load = LoadOptions();
  options.load.data = path.string();
  options.load.direction = data.direction;
  return options;
}

Json run_workers(const TrainOptions& options, const TrainPlan& plan, const Dataset& data, cli::Run& run) {
  const int workers = plan.system.workers;
  if (workers == 1) {
    const auto part = cli::open_torch_part<TorchPart>("gnnbench");
    return part->train({.plan = plan, .data = data, .transport = nullptr}, run);
  }
  if (options.comm == Comm::inproc)
    return run_inproc(workers, run, [&](Transport& transport, cli::Run& view) {
      const auto part = cli::open_torch_part<TorchPart>("gnnbench");
      return part->train({.plan = plan, .data = data, .transport = &transport}, view);
    });
  // The data as a .gnnb folder that all workers map.
  const LockedFolder folder(fs::temp_directory_path(), "gnnbench-data-");
  const fs::path store = folder.path() / "data.gnnb";
  write_gnnb(data, {.path = store, .force = true});
  Json result = launch_workers({{"job", "train"}, {"options", options_json(of_store(options, data, store))}},
                               {.workers = workers, .timeout_s = options.timeout, .program = {}}, run);
  result["data"]["name"] = data.name;
  result["data"]["source"] = data.source;
  result["data"]["format"] = data.format;
  return result;
}

// A run that broke down goes on from its checkpoint, if it got that far.
[[noreturn]] void tell_breakdown(const Error& error, cli::Run& run) {
  const cli::RunDirectory* directory = run.directory();
  const fs::path state = directory ? directory->path() / "checkpoint" / "state.json" : fs::path();
  if (!directory || !fs::exists(state)) throw error;
  const Json kept = data::to_json(data::read_json(state));
  machine_error(fmt::format("{}; --resume --out {} goes on after update {}", error.message(), directory->path().string(),
                            data::dump_json(kept.value("update", Json()))));
}

void refuse_cuda(const std::string& device) {
  if (device.starts_with("cuda")) usage_error("--device " + device + ": gnnbench trains on the CPU; leave --device out");
}

cli::Result train(const TrainOptions& options, cli::Run& run) {
  refuse_cuda(run.device());
  (void)parse_system(options.system);  // what is mistyped is said before anything is read
  if (!options.replay_draws.empty() && options.replay_draws != "-") require_draws_file(options.replay_draws);
  const Dataset data = load_dataset(options.load, run);
  for (const std::string& warning : require_task(data)) run.warn(warning);
  const TrainPlan plan = plan_training(options, data);
  refuse_graphless_model(plan);
  for (const std::string& warning : plan.warnings) run.warn(warning);
  for (const auto& [name, why] : idle_options(options, parse_system(options.system)))
    run.warn(fmt::format("--{} has no effect: {}", name, why));
  check_memory(plan, data);
  // Before workers start; one worker opens it itself, as it may be standard input.
  if (plan.system.workers > 1 && !plan.options.replay_draws.empty()) DrawsFile(plan, data);
  Json value;
  try {
    value = run_workers(options, plan, data, run);
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::machine) throw;
    tell_breakdown(error, run);
  }
  value["planned_bytes"] = plan_memory(plan, data).total();
  cli::Result result = train_report(plan, std::move(value));
  const Json& target = result.value["target"];
  if (!target.is_null() && !target["reached"].get<bool>()) {
    const Json& best = result.value["best"];
    const bool on_test = target["on"] == "test";
    run.warn(fmt::format("the target {} was not reached on {}: the {} accuracy was {} at update {}",
                         target["value"].get<double>(), target["on"].get<std::string>(), on_test ? "test" : "best validation",
                         data::dump_json(best[on_test ? "test" : "val"]), best["update"].get<std::int64_t>()));
    result.exit_code = static_cast<int>(ExitCode::infeasible);
  } else if (!target.is_null() && target["update"] == 0) {
    run.warn(fmt::format("untrained weights reach the target {}: its time says nothing about training",
                         target["value"].get<double>()));
  }
  return result;
}

}  // namespace

Json train_job(const Json& job, Transport& transport, TorchPart& part, cli::Run& run) {
  const TrainOptions options = options_from_json(job.at("options"));
  const Dataset data = open_dataset(options.load).data;  // the launcher has said what there is to say of it
  const TrainPlan plan = plan_training(options, data);
  return part.train({.plan = plan, .data = data, .transport = &transport}, run);
}

cli::Subcommand train_command() {
  return cli::subcommand<TrainOptions>(
      "train", "train one model with one system", train,
      {.run_directory = true,
       .resumable = true,
       .random = true,
       .threads = true,
       .threads_in_identity = true,
       .torch = true,
       .timed = true,
       .examples = {"gnnbench train sample_data/gnn/karate.csv --labels sample_data/gnn/karate_labels.csv --features identity "
                    "--split random:0.4,0.3,0.3 --epochs 40 -o build/karate",
                    "gnnbench train sample_data/gnn/iris.npz --split random:0.5,0.25,0.25 --system ns:5:5 --batch 16 --epochs 30 "
                    "-o build/iris",
                    "gnnbench train sample_data/gnn/iris.npz --split per-class:10,30,60 --model gcn --hidden 16 --target 0.9 "
                    "--epochs 60 -o "
                    "build/gcn"},
       .description =
           "Trains to the end that --epochs, --updates, --budget or --patience set, evaluates exactly at the points of "
           "--eval-every, and keeps the weights of the best validation in best/, which predict and PyTorch Geometric "
           "read. A resumed run gives the same weights, curve and draws as one that was never interrupted."});
}

}  // namespace tenfold::gnnbench
