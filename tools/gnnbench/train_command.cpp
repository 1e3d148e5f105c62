#include "gnnbench/train_command.h"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "cli/torch_part.h"
#include "gnnbench/draws_file.h"
#include "gnnbench/gnnb_store.h"
#include "gnnbench/graph_facts.h"
#include "gnnbench/launcher.h"
#include "gnnbench/memory_plan.h"
#include "gnnbench/train_report.h"
#include "gnnbench/workers_inproc.h"

namespace tenfold::gnnbench {
namespace {

namespace fs = std::filesystem;

// The data as a .gnnb folder that all workers map, removed afterwards.
class SharedStore {
 public:
  explicit SharedStore(const Dataset& data)
      : folder_(fs::temp_directory_path() / fmt::format("gnnbench-{}", getpid())), path_(folder_ / "data.gnnb") {
    fs::create_directories(folder_);
    write_gnnb(data, {.path = path_, .force = true});
  }
  SharedStore(const SharedStore&) = delete;
  SharedStore& operator=(const SharedStore&) = delete;
  ~SharedStore() {
    std::error_code error;
    fs::remove_all(folder_, error);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path folder_, path_;
};

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
  const SharedStore store(data);
  Json result = launch_workers({{"job", "train"}, {"options", options_json(of_store(options, data, store.path()))}},
                               {.workers = workers, .timeout_s = options.timeout, .program = {}}, run);
  result["data"]["name"] = data.name;
  result["data"]["source"] = data.source;
  result["data"]["format"] = data.format;
  return result;
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
  for (const std::string& warning : plan.warnings) run.warn(warning);
  check_memory(plan, data);
  // Before workers start; one worker opens it itself, as it may be standard input.
  if (plan.system.workers > 1 && !plan.options.replay_draws.empty()) DrawsFile(plan, data);
  Json value = run_workers(options, plan, data, run);
  value["planned_bytes"] = plan_memory(plan, data).total();
  cli::Result result = train_report(plan, std::move(value));
  const Json& target = result.value["target"];
  if (!target.is_null() && !target["reached"].get<bool>()) {
    const Json& best = result.value["best"];
    run.warn(fmt::format("the target {} was not reached on {}: the best validation accuracy was {} at update {}",
                         target["value"].get<double>(), target["on"].get<std::string>(), data::dump_json(best["val"]),
                         best["update"].get<std::int64_t>()));
    result.exit_code = static_cast<int>(ExitCode::infeasible);
  }
  return result;
}

}  // namespace

Json train_job(const Json& job, Transport& transport, TorchPart& part, cli::Run& run) {
  const TrainOptions options = options_from_json(job.at("options"));
  const Dataset data = load_dataset(options.load, run);
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
