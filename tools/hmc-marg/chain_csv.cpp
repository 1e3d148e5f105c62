// Header, adaptation and timing comments of a chain file.
#include "hmc-marg/chain_csv.h"

#include <fmt/format.h>

#include "data/number.h"

namespace tenfold::hmc_marg {
namespace {

const char* metric_name(MetricKind kind) {
  switch (kind) {
    case MetricKind::unit: return "unit_e";
    case MetricKind::diag: return "diag_e";
    case MetricKind::dense: return "dense_e";
  }
  return "";
}

// "key = value", with CmdStan's mark where the value is the default.
template <class T>
std::string line(int depth, const char* key, const T& value, const T& standard) {
  return fmt::format("{:{}}{} = {}{}", "", 2 * depth, key, value, value == standard ? " (Default)" : "");
}

}  // namespace

std::vector<std::string> sampler_column_names() {
  return {"lp__", "accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__", "energy__"};
}

void write_chain_header(data::CsvWriter& out, const ChainHeader& h, std::span<const std::string> columns) {
  // The version is that of the dialect, not of a program: readers choose how to parse by it.
  out.comment("stan_version_major = 2");
  out.comment("stan_version_minor = 36");
  out.comment("stan_version_patch = 0");
  out.comment("model = " + h.model + "_model");
  out.comment("start_datetime = 2025-01-01 00:00:00 UTC");
  out.comment("method = sample (Default)");
  out.comment("  sample");
  out.comment(line(2, "num_samples", h.draws, 1000));
  // Where nothing is sampled there is no warm-up; cmdstanpy refuses 0 here, and without saved warm-up the number moves nothing.
  out.comment(line(2, "num_warmup", h.fixed ? 1000 : h.warmup, 1000));
  out.comment(line(2, "save_warmup", h.save_warmup && !h.fixed ? 1 : 0, 0));
  out.comment(line(2, "thin", h.thin, 1));
  out.comment("    adapt");
  out.comment(line(3, "engaged", !h.fixed && h.warmup == 0 ? 0 : 1, 1));
  out.comment("      gamma = 0.05 (Default)");
  out.comment(line(3, "delta", h.delta, 0.8));
  out.comment("      kappa = 0.75 (Default)");
  out.comment("      t0 = 10 (Default)");
  out.comment("      init_buffer = 75 (Default)");
  out.comment("      term_buffer = 50 (Default)");
  out.comment("      window = 25 (Default)");
  if (h.fixed) {
    out.comment("    algorithm = fixed_param");
    out.comment("    fixed_param");
  } else {
    out.comment("    algorithm = hmc (Default)");
    out.comment("      hmc");
    out.comment("        engine = nuts (Default)");
    out.comment("          nuts");
    out.comment(line(6, "max_depth", h.max_depth, 10));
    out.comment(line<std::string>(4, "metric", metric_name(h.metric), "diag_e"));
    out.comment(line<std::string>(4, "metric_file", h.metric_file, ""));
    out.comment(line(4, "stepsize", h.step_size, 1.0));
    out.comment("        stepsize_jitter = 0 (Default)");
  }
  out.comment("    num_chains = 1 (Default)");
  out.comment(fmt::format("id = {}", h.chain));
  out.comment("data");
  out.comment("  file = " + h.data_file);
  out.comment(line<std::string>(0, "init", h.init, "2"));
  out.comment("random");
  out.comment(fmt::format("  seed = {}", h.seed));
  out.comment("output");
  out.comment("  file = " + h.output_file);
  out.header(columns);
}

void write_adaptation(data::CsvWriter& out, double step_size, const Metric& metric) {
  out.comment("Adaptation terminated");
  out.comment(fmt::format("Step size = {}", step_size));
  const auto d = static_cast<std::size_t>(metric.dimension());
  const std::vector<double>& w = metric.inverse_mass();
  const bool dense = metric.kind() == MetricKind::dense;
  out.comment(dense ? "Elements of inverse mass matrix:" : "Diagonal elements of inverse mass matrix:");
  for (std::size_t row = 0; row < (dense ? d : 1); ++row) {
    std::string text;
    for (std::size_t i = 0; i < d; ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", w[dense ? i * d + row : i]);
    out.comment(text);
  }
}

void write_elapsed(data::CsvWriter& out, double warmup_s, double sampling_s) {
  out.raw("# \n");
  out.raw(fmt::format("#  Elapsed Time: {} seconds (Warm-up)\n", warmup_s));
  out.raw(fmt::format("#                {} seconds (Sampling)\n", sampling_s));
  out.raw(fmt::format("#                {} seconds (Total)\n", warmup_s + sampling_s));
  out.raw("# \n");
}

}  // namespace tenfold::hmc_marg
