// Runs the chains of a marginal density: warm-up, draws, recovery, chain files, checkpoints, resumption to the same bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/run.h"
#include "hmc-marg/chain_csv.h"
#include "hmc-marg/draw_columns.h"
#include "hmc-marg/nuts.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

struct SamplerOptions {
  int chains = 4;
  int warmup = 1000;
  int draws = 1000;     // before thinning
  int thin = 1;
  double delta = 0.8;
  int max_depth = 10;
  MetricKind metric = MetricKind::diag;
  std::string init = "2";          // radius, or a JSON file of constrained values
  std::string init_metric;         // JSON file with inv_metric (and step_size), CmdStan's form
  double step_size = 1;            // first step size
  bool save_warmup = false;
  bool csv_timing = false;
};

// What one chain did.
struct ChainReport {
  int id = 0;                 // from 1
  double step_size = 0;
  double accept_stat = 0;     // mean over the draws
  long leapfrogs = 0;         // of the draws
  long warmup_leapfrogs = 0;
  int divergences = 0;        // of the draws
  int treedepth_hits = 0;     // of the draws
  double ebfmi = 0;
  double warmup_cpu_s = 0, sampling_cpu_s = 0, recover_cpu_s = 0, write_s = 0;
  std::uint64_t gradients = 0;
};

struct SamplerOutput {
  std::vector<ChainReport> chains;
  std::vector<std::string> column_names;        // sampler columns, then draw_columns
  std::vector<std::vector<double>> values;      // [chain][row * columns + column], rows after thinning, warm-up left out
  std::size_t rows = 0;                         // per chain
  std::vector<std::string> files;               // relative to the run directory
  int generated_faults = 0;
  std::string first_fault;
};

// Writes plan.json, chains/chain-K.csv and metric/chain-K.json. Interrupted: saves and leaves by run.interrupted(). seed:
// run.seed(). Throws Error(infeasible): no finite density in 100 initial points, an improper posterior.
SamplerOutput run_chains(const Model& model, const Marginal& marginal, const SamplerOptions& options, cli::Run& run);

// The same without files, checkpoints and log lines: for comparisons. Where run.stop() is raised the result is cut short.
SamplerOutput sample_in_memory(const Model& model, const Marginal& marginal, const SamplerOptions& options, std::uint64_t seed,
                               cli::Run& run);

}  // namespace tenfold::hmc_marg
