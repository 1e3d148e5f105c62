// The plan of a subcommand: by prediction alone, by a short race of the two best predictions, or from a file
// (specification, 2.8).
#pragma once

#include "cli/run.h"
#include "hmc-marg/model.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

inline constexpr int kRaceChains = 4, kRaceWarmup = 100, kRaceDraws = 200;

// As options.plan says. auto: marginalize(). A file: what it holds, or an error (plan_file.h). race: the two cheapest of the sets
// considered are sampled, and the one with the higher smallest bulk ESS per predicted nanosecond of its draws' gradients is
// taken; a set that leaves nothing to sample, or that has no rival, is taken without. No clock is read: the winner depends on
// program, data and run.seed() alone, not on machine and threads. What happened stands in Marginal::race. Throws what
// marginalize() throws; Error(usage) where options say twice what to integrate out. Interrupted: leaves by run.interrupted().
Marginal choose_plan(Model& model, const PlanOptions& options, cli::Run& run);

}  // namespace tenfold::hmc_marg
