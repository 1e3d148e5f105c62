// The race: two plans, a few hundred iterations each, and the rate that the predicted cost of a gradient gives them.
#include "hmc-marg/plan_race.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/diagnostics.h"
#include "hmc-marg/explain.h"
#include "hmc-marg/plan_file.h"
#include "hmc-marg/sampler.h"
#include "hmc-marg/summary.h"

namespace tenfold::hmc_marg {
namespace {

// A plan with the graph that it was made on, which a non-centred form rewrites.
struct Entrant {
  FactorGraph graph;
  Marginal marginal;
  RaceEntry result;
};

MinEss least_ess(const Model& model, const Marginal& marginal, const SamplerOutput& output, int threads) {
  std::vector<std::string> kinds(kSamplerColumns);
  for (const Column& column : draw_columns(model, marginal)) kinds.emplace_back(name_of(column.kind));
  ChainDraws draws{.names = output.column_names, .chains = {}};
  for (const std::vector<double>& values : output.values) draws.chains.emplace_back(values);
  return min_ess(summarize(draws, kSamplerColumns, kinds, threads));
}

// Samples by the plan of model.graph. A plan that finds no point to start from gets no rate.
RaceEntry sampled(const Model& model, const Marginal& marginal, cli::Run& run) {
  RaceEntry entry;
  entry.eliminated = marginal.eliminated;
  entry.ns = marginal.cost.ns;
  SamplerOptions options;
  options.chains = kRaceChains;
  options.warmup = kRaceWarmup;
  options.draws = kRaceDraws;
  // Other random numbers than those of the run that follows.
  PhiloxStream stream(run.seed(), "race");
  const std::uint64_t seed = std::uint64_t{stream.next_u32()} << 32 | stream.next_u32();
  try {
    const SamplerOutput output = sample_in_memory(model, marginal, options, seed, run);
    if (run.stop()) run.interrupted();
    for (const ChainReport& chain : output.chains) {
      entry.leapfrogs += chain.leapfrogs;
      entry.divergences += chain.divergences;
    }
    const MinEss least = least_ess(model, marginal, output, run.threads());
    entry.column = least.name;
    entry.min_ess = std::isfinite(least.value) ? least.value : 0;
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::infeasible) throw;
    entry.failed = error.message();
  }
  return entry;
}

void explain_loss(Marginal& winner, const RaceEntry& won, const RaceEntry& lost) {
  for (const int p : winner.kept) {
    PlanEntry& entry = winner.plan[static_cast<std::size_t>(p)];
    if (entry.reason != "cost" || !std::binary_search(lost.eliminated.begin(), lost.eliminated.end(), p)) continue;
    entry.detail = lost.failed.empty()
                       ? fmt::format(
                             "`{}` could be integrated out, but that plan lost the race: {:.3g} against {:.3g} effective "
                             "draws per predicted second",
                             entry.name, lost.rate(), won.rate())
                       : fmt::format("`{}` could be integrated out, but that plan did not start: {}", entry.name, lost.failed);
  }
}

Marginal race(Model& model, const PlanOptions& options, cli::Run& run) {
  const FactorGraph declared = model.graph;
  Marginal predicted = marginalize(model.graph, options);
  const std::vector<PlanAlternative> considered = predicted.alternatives;
  if (considered.size() < 2 || considered.front().cost.sampled == 0) {
    run.note(considered.size() < 2 ? "no race: there is one plan"
                                   : "no race: one plan leaves nothing to sample, its draws are independent");
    return predicted;
  }
  std::vector<Entrant> entrants;
  for (std::size_t k = 0; k < 2; ++k) {
    model.graph = declared;
    Entrant entrant;
    entrant.marginal = marginalize(model.graph, options, considered[k].eliminated);
    run.note(fmt::format("race: {} chains of {} + {} iterations with {} of {} dimensions sampled", kRaceChains, kRaceWarmup,
                         kRaceDraws, entrant.marginal.target.inputs.size(), model.graph.free_size));
    entrant.result = sampled(model, entrant.marginal, run);
    entrant.graph = std::move(model.graph);
    entrants.push_back(std::move(entrant));
  }
  Entrant& won = entrants[entrants[1].result.rate() > entrants[0].result.rate() ? 1 : 0];
  Entrant& lost = &won == &entrants[0] ? entrants[1] : entrants[0];
  won.result.won = true;
  model.graph = std::move(won.graph);
  explain_loss(won.marginal, won.result, lost.result);
  won.marginal.race = {entrants[0].result, entrants[1].result};
  won.marginal.alternatives = considered;
  return std::move(won.marginal);
}

void refuse_double_wishes(const PlanOptions& o) {
  const bool file = o.plan != "race";
  const char* twice = o.marginalize != "auto"       ? "--marginalize"
                      : file && !o.keep.empty()     ? "--keep"
                      : file && !o.require.empty()  ? "--require"
                      : file && o.reparam != "none" ? "--reparam"
                                                    : nullptr;
  if (twice == nullptr) return;
  usage_error(fmt::format("--plan {} says what to integrate out, and so does {}; leave one of them out", o.plan, twice));
}

}  // namespace

Marginal choose_plan(Model& model, const PlanOptions& options, cli::Run& run) {
  if (options.plan == "auto") return marginalize(model.graph, options);
  refuse_double_wishes(options);
  if (options.plan == "race") return race(model, options, run);
  return marginalize(model.graph, read_plan(model.graph, options));
}

}  // namespace tenfold::hmc_marg
