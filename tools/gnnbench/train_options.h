// What `gnnbench train` is told, and what follows from it for one data set: batches, fanouts, learning rate, updates an epoch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gnnbench/dataset.h"
#include "gnnbench/load.h"
#include "gnnbench/model_spec.h"
#include "gnnbench/partition.h"
#include "gnnbench/system_spec.h"

namespace tenfold::gnnbench {

enum class DecayScope : std::uint8_t { all, first };
enum class GcnNorm : std::uint8_t { automatic, full, sub };
enum class ClockKind : std::uint8_t { train, wall, cpu };
enum class SelectBy : std::uint8_t { val, test_max };
enum class Comm : std::uint8_t { mpi, inproc };

struct TrainOptions {
  LoadOptions load;
  std::string system = "sync";
  ModelSpec model;

  std::optional<double> lr;                // default: full-graph 0.01, mini-batch 0.003
  double wd = 0;                           // L2 decay added to the gradient
  DecayScope wd_scope = DecayScope::all;   // or the first layer's parameters
  std::int64_t batch = 1024;               // B, seeds a worker and update
  std::vector<std::string> fanout = {"10"};  // hop 1 (next to the seeds) first; the last is repeated
  GcnNorm gcn_norm = GcnNorm::automatic;

  std::int64_t epochs = 1000;
  std::optional<std::int64_t> updates;
  std::optional<double> budget;            // seconds of the clock
  double patience = 50;                    // epochs without better validation; 0: none

  std::string eval_every = "geo:1.06";
  std::optional<double> target;            // accuracy in [0, 1]
  Part target_on = Part::val;
  ClockKind clock = ClockKind::train;
  SelectBy select = SelectBy::val;
  std::int64_t row_chunk = 65536;          // rows of an evaluation step

  std::string partition_cache;             // a folder that keeps partitions for other runs on the same graph; empty: none
  PartitionOptions partition;              // parts of full-graph workers, --partition-seed among them
  bool refetch_input = false;
  bool bns_floor = false;

  Comm comm = Comm::mpi;
  double timeout = 60;                     // seconds that a worker may be silent

  std::optional<std::int64_t> memory;      // bytes; default 90 % of what is allowed
  double checkpoint_every = 60;            // seconds
  std::int64_t dump_updates = 0;
  bool record_draws = false;               // draws.jsonl, draws_file.h
  std::string replay_draws;                // such a file, used in place of drawing; - for standard input; empty: none
  bool explain = false;
};

void describe(TrainOptions& options, cli::OptionTable& table);
// The options that describe a run apart from its data: what `compare` passes on. `with_system` adds --system.
void describe_training(TrainOptions& options, cli::OptionTable& table, bool with_system);

// Every option by its long name, DATA under "data", and back: what crosses to worker processes.
Json options_json(const TrainOptions& options);
TrainOptions options_from_json(const Json& json);

// The options with the system's own overrides (+lr=0.005) in them. Throws Error(usage) for a key that is no option of training,
// with the nearest.
TrainOptions with_overrides(TrainOptions options, const SystemSpec& system);

// One run, settled: nothing in it is left to a default.
struct TrainPlan {
  TrainOptions options;   // overrides applied
  SystemSpec system;      // fanouts [layers] for ns and labor; parts and q set for cluster
  double lr = 0;
  GcnNorm gcn_norm = GcnNorm::full;
  std::int64_t train_nodes = 0;
  std::int64_t updates_per_epoch = 1;
  std::int64_t max_updates = 0;           // by --epochs and --updates
  double mean_batch = 0;                  // training nodes an update and worker, as realised
  std::vector<std::string> warnings;
};
// Throws Error(usage) for options that contradict each other (fanouts than layers more, k > n, heads).
TrainPlan plan_training(const TrainOptions& options, const Dataset& data);

// A network without a graph under a system that trains on one: what tests do, and no user means. Throws Error(usage).
void refuse_graphless_model(const TrainPlan& plan);

}  // namespace tenfold::gnnbench
