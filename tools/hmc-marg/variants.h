// One variant of a model, run once and measured: what `compare` and `demo` hold against each other.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cli/run.h"
#include "hmc-marg/certificate.h"
#include "hmc-marg/explain.h"
#include "hmc-marg/model.h"
#include "hmc-marg/sampler.h"
#include "hmc-marg/summary.h"

namespace tenfold::hmc_marg {

inline constexpr const char* kNone = "none";        // the program as it stands
inline constexpr const char* kReparam = "reparam";  // the program in its non-centred form
inline constexpr const char* kAuto = "auto";        // integrated out by the planner
inline constexpr const char* kTwin = "twin";        // another program of the same posterior, as it stands

// The plan of a variant: `automatic` for auto, else nothing is integrated out.
PlanOptions variant_plan(const std::string& variant, const PlanOptions& automatic);

// A model as one variant samples it. Each variant has its own graph, since standardising rewrites it.
struct PreparedVariant {
  std::string name;
  Model model;
  Marginal marginal;
  Dimensions dims;
  CertificateResult certificate;
  // Declared parameters of the program that this one is held against: their columns count for the smallest ESS whatever they
  // are here. Of a twin, where a parameter may be a transformed one, or generated.
  std::vector<std::string> counted;
};

// Throws what choose_plan() throws, and Error(infeasible) where a certificate does not hold.
PreparedVariant prepare(const std::string& name, const ModelSource& source, const PlanOptions& plan, cli::Run& run);

// What a run of a variant gave. NaN: not to be had.
struct Figures {
  int sampled = 0;               // unconstrained dimensions
  double min_ess = std::numeric_limits<double>::quiet_NaN();  // smallest bulk ESS over lp__, sampled and recovered columns
  std::string slowest;           // the column that has it
  double cpu_s = 0;              // warm-up, draws and recovery, of all chains
  double gradients = 0;          // of warm-up and draws
  long leapfrogs = 0;            // of the draws
  long divergences = 0;          // of the draws
  double max_rhat = std::numeric_limits<double>::quiet_NaN();  // over all columns

  double ess_per_cpu_s() const { return cpu_s > 0 ? min_ess / cpu_s : std::numeric_limits<double>::quiet_NaN(); }
  // NaN where nothing was left to sample, so that no gradient was needed.
  double ess_per_gradient() const { return gradients > 0 ? min_ess / gradients : std::numeric_limits<double>::quiet_NaN(); }
};

// A parameter's column: its mean and the Monte Carlo error of that.
struct ColumnMean {
  std::string name;
  double mean = 0, mcse = 0;
};

struct MeasuredRun {
  bool complete = false;  // false: run.stop() was raised on the way; nothing else is set
  Figures figures;
  std::vector<ColumnMean> means;  // of the columns of parameters
  SamplerOutput output;
};

// The draws of an output that lives on.
ChainDraws draws_of(const SamplerOutput& output);

// Throws Error(infeasible) where the chains do not start, do not move or give values that are not finite.
MeasuredRun measure(const PreparedVariant& variant, const SamplerOptions& options, std::uint64_t seed, cli::Run& run);

// The figures of an output, and the means of the columns that count for them, if asked for. Throws as `measure`.
Figures figures_of(const PreparedVariant& variant, const SamplerOutput& output, int threads,
                   std::vector<ColumnMean>* means = nullptr);

}  // namespace tenfold::hmc_marg
