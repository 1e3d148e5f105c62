// The plan in words and as JSON: what is integrated out, what not, and why, with source lines.
#pragma once

#include <string>

#include "data/json.h"
#include "hmc-marg/model.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

Json plan_json(const Marginal& marginal);              // [{name, size, status, rule, reason, detail, lines}]
Json block_json(const Marginal& marginal);             // facts of the Gaussian block, or null
Json cost_json(const PlanCost& cost);                  // {ns, terms[{name, count, ns}], sampled, funnel, weighted}
Json alternatives_json(const FactorGraph& graph,
                       const Marginal& marginal);  // [{eliminated, sampled, ns, funnel, weighted, taken}], cheapest first
// [{eliminated, won, min_ess, column, leapfrogs, divergences, ns, min_ess_per_predicted_s, failed}], or null without a race
Json race_json(const FactorGraph& graph, const Marginal& marginal);
std::string cost_text(const FactorGraph& graph, const Marginal& marginal);   // the predicted cost and what else was considered
std::string plan_text(const Model& model, const Marginal& marginal);  // a line a parameter

struct Dimensions {
  int joint = 0, sampled = 0, eliminated = 0;  // unconstrained scalars
};
Dimensions dimensions(const FactorGraph& graph, const Marginal& marginal);

}  // namespace tenfold::hmc_marg
