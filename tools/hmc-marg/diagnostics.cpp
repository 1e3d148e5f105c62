// Diagnostics of a run. Thresholds: Vehtari et al. 2021 (R-hat, ESS); Betancourt 2016 (E-BFMI).
#include "hmc-marg/diagnostics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace tenfold::hmc_marg {
namespace {

constexpr double kRhat = 1.01;
constexpr double kEssPerChain = 100;
constexpr double kEbfmi = 0.3;
constexpr std::size_t kFewestRows = 4;  // below it nothing can be said of convergence (stats/mcmc.h)

// "theta.1, theta.2 and 3 more"
std::string name_list(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 3; ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > 3 ? fmt::format("{} and {} more", text, names.size() - 3) : text;
}

// Draws of all chains with a recovered value that is not finite.
long unrecovered_draws(const SamplerOutput& output, std::span<const SummaryRow> rows) {
  std::vector<std::size_t> broken;
  for (const SummaryRow& row : rows)
    if (row.kind == "eliminated" && !std::isfinite(row.figures.mean))
      broken.push_back(static_cast<std::size_t>(std::find(output.column_names.begin(), output.column_names.end(), row.name) -
                                                output.column_names.begin()));
  long count = 0;
  const std::size_t columns = output.column_names.size();
  for (const std::vector<double>& chain : output.values)
    for (std::size_t at = 0; at < chain.size() && !broken.empty(); at += columns)
      count += std::any_of(broken.begin(), broken.end(), [&](std::size_t c) { return !std::isfinite(chain[at + c]); });
  return count;
}

}  // namespace

MinEss min_ess(std::span<const SummaryRow> rows) {
  MinEss out{std::numeric_limits<double>::infinity(), ""};
  for (const SummaryRow& row : rows) {
    const bool counts = row.kind == "lp" || row.kind == "sampled" || row.kind == "eliminated";
    if (counts && std::isfinite(row.figures.ess_bulk) && row.figures.ess_bulk < out.value) out = {row.figures.ess_bulk, row.name};
  }
  return out;
}

std::vector<std::string> diagnose(const SamplerOutput& output, const SamplerOptions& options, std::span<const SummaryRow> rows) {
  std::vector<std::string> messages;
  long divergences = 0, hits = 0;
  for (const ChainReport& chain : output.chains) {
    divergences += chain.divergences;
    hits += chain.treedepth_hits;
  }
  const long draws = static_cast<long>(options.draws) * options.chains;
  if (const long lost = unrecovered_draws(output, rows); lost > 0)
    messages.push_back(
        fmt::format("{} of {} rows have no recovered values (NaN): their conditional distribution is singular in floating point, "
                    "as in an improper posterior; "
                    "give every parameter a proper prior, or use --marginalize none",
                    lost, output.rows * output.values.size()));
  if (output.generated_faults > 0)
    messages.push_back(fmt::format("generated quantities of {} draws are NaN: {}", output.generated_faults, output.first_fault));
  if (divergences > 0)
    messages.push_back(fmt::format(
        "{} of {} draws diverged: the posterior has a region the sampler cannot enter; raise --delta, or reparametrise",
        divergences, draws));
  if (hits > 0)
    messages.push_back(fmt::format("{} of {} draws reached --max-depth {}: slow, not wrong", hits, draws, options.max_depth));
  std::vector<std::string> heavy;
  double least = kEbfmi;
  for (const ChainReport& chain : output.chains) {
    if (!(chain.ebfmi < kEbfmi)) continue;
    heavy.push_back(std::to_string(chain.id));
    least = std::min(least, chain.ebfmi);
  }
  if (!heavy.empty())
    messages.push_back(fmt::format("chain{} {}: E-BFMI {:.2f} is below {}: heavy tails are explored slowly; reparametrise",
                                   heavy.size() == 1 ? "" : "s", name_list(heavy), least, kEbfmi));
  if (output.rows < kFewestRows)
    messages.push_back(
        fmt::format("{} rows a chain are too few for R-hat and effective sample sizes; run longer or thin less", output.rows));
  std::vector<std::string> unmixed, few;
  for (const SummaryRow& row : rows) {
    if (row.figures.rhat > kRhat) unmixed.push_back(row.name);
    if (row.figures.ess_bulk < kEssPerChain * options.chains || row.figures.ess_tail < kEssPerChain * options.chains)
      few.push_back(row.name);
  }
  if (!unmixed.empty())
    messages.push_back(fmt::format("R-hat above {} for {}: the chains do not agree; run longer", kRhat, name_list(unmixed)));
  if (!few.empty())
    messages.push_back(
        fmt::format("effective sample size below {} for {}: run longer", kEssPerChain * options.chains, name_list(few)));
  return messages;
}

}  // namespace tenfold::hmc_marg
