// Options that several subcommands share.
#pragma once

#include <string>
#include <vector>

#include "cli/option_table.h"
#include "hmc-marg/model.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

// MODEL and --data.
struct ModelOptions {
  std::string model;
  std::string data;
};
void describe_model(ModelOptions& options, cli::OptionTable& table);
Model load(const ModelOptions& options, std::uint64_t seed);

// --marginalize, --keep, --require, --reparam, --compress, --plan: what choose_plan (plan_race.h) takes.
void describe_plan(PlanOptions& options, cli::OptionTable& table);

}  // namespace tenfold::hmc_marg
