// Chain files in CmdStan's dialect, which cmdstanpy, ArviZ and rstan read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/csv.h"
#include "hmc-marg/draw_columns.h"
#include "hmc-marg/nuts.h"

namespace tenfold::hmc_marg {

// lp__, accept_stat__, stepsize__, treedepth__, n_leapfrog__, divergent__, energy__
std::vector<std::string> sampler_column_names();
inline constexpr int kSamplerColumns = 7;

// The effective configuration that the header states, nested as CmdStan's.
struct ChainHeader {
  std::string model;      // file name without ending
  std::string data_file;
  int draws = 0, warmup = 0, thin = 1, max_depth = 10, chain = 1;
  bool save_warmup = false, fixed = false;  // fixed: nothing is sampled
  double delta = 0.8, step_size = 1;
  MetricKind metric = MetricKind::diag;
  std::string init, metric_file, output_file;
  std::uint64_t seed = 1;
};

void write_chain_header(data::CsvWriter& out, const ChainHeader& header, std::span<const std::string> columns);

// The block after warm-up: step size and inverse mass over the sampled coordinates. Not written where nothing is sampled.
void write_adaptation(data::CsvWriter& out, double step_size, const Metric& metric);

// cmdstanpy refuses a file without this block; all zero unless the times are given, so that equal runs have equal bytes.
void write_elapsed(data::CsvWriter& out, double warmup_s, double sampling_s);

}  // namespace tenfold::hmc_marg
