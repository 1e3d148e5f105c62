// One chain: its sampler, its adaptation, its file, and the state a checkpoint keeps of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hmc-marg/sampler.h"

namespace tenfold::hmc_marg {

class OpProgram;

// What all chains of a run share.
struct ChainSetting {
  const Model* model = nullptr;
  const Marginal* marginal = nullptr;
  const SamplerOptions* options = nullptr;
  std::shared_ptr<const OpProgram> program;   // of the marginal density
  std::vector<std::string> column_names;
  std::uint64_t seed = 1;
  std::vector<double> initial;                // kept, unconstrained; empty: random
  double radius = 2;                          // of random initial points
  std::vector<double> inverse_mass;           // empty: identity
  double step_size = 1;
};

// Everything a chain needs to go on, at an iteration boundary. Iterations count from 0 over warm-up and draws.
struct ChainState {
  bool started = false;
  std::int64_t iteration = 0;
  std::vector<double> q, inverse_mass, window_mean, window_m2;
  double step_size = 1, window_count = 0;
  double mu = 0, counter = 0, s_bar = 0, x_bar = 0;              // dual averaging
  double accept_sum = 0, warmup_leapfrogs = 0, leapfrogs = 0, divergences = 0, depth_hits = 0, gradients = 0;
  double energy_count = 0, energy_mean = 0, energy_m2 = 0, energy_steps = 0, energy_last = 0;  // for E-BFMI
  double warmup_cpu_s = 0, sampling_cpu_s = 0, recover_cpu_s = 0, write_s = 0;
  double generated_faults = 0;
  std::string first_fault;      // this and the next stand in state.json, not in the tensors
  std::uint64_t csv_bytes = 0;
};

std::string to_safetensors(const ChainState& state);
// Throws Error(input) naming the file.
ChainState chain_state_from(const std::string& bytes, const std::string& file);

class Chain {
 public:
  // id from 1. path: its CSV file; empty: no file, the draws stay in memory.
  Chain(const ChainSetting& setting, int id, std::string path, std::string relative_path);
  ~Chain();

  // Draws an initial point, finds a step size, writes the header. Throws Error(infeasible).
  void start();
  // Goes on where the state was saved; the file is cut to its recorded length and its draws are read back. Throws Error(input)
  // and leaves the file alone when it or the state is not this chain's.
  void resume(const ChainState& state);

  bool done() const;
  // Up to `limit` iterations; never across the end of warm-up. Ends early when stop() is true.
  void advance(int limit, cli::Run& run);
  ChainState state() const;
  ChainReport report() const;
  std::int64_t iteration() const;
  std::vector<double> take_values();  // [rows * columns]
  const Metric& metric() const;
  int generated_faults() const;
  std::string first_fault() const;

 private:
  struct Parts;
  void write_header();
  void check_state(const ChainState& state) const;
  void read_back(const ChainState& state);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tenfold::hmc_marg
