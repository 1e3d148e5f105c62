// Which parameters are integrated out, and the density that is left for the others.
// Source: the affine analysis of the specification's section 2.5 and the choice of section 2.8.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hmc-marg/factor_graph.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {

struct BlockSystem;
struct FamilySystem;

struct PlanOptions {
  std::string marginalize =
      "auto";  // auto: the set of least predicted cost | all: the largest set | none | names, comma separated: exactly these
  std::vector<std::string> keep = {};  // names never eliminated
  bool compress = true;  // rows with known coefficients become triangular factors, once
  std::vector<std::string> require = {};  // names that must be eliminated
  std::string reparam = "none";  // none | auto: kept parameters whose prior's location or scale depends on parameters | names:
               // kept and sampled as epsilon
  std::string plan = "auto";  // auto | race | a file: plan_race.h reads it; marginalize() only names a file in its messages
  bool may_rewrite() const { return reparam != "none" || plan != "auto"; }  // some parameter may come to be sampled as epsilon
};

struct PlanEntry {  // one a declared parameter, in declaration order
  std::string name;
  int size = 0;  // constrained scalars
  bool eliminated = false;
  std::string rule;  // "gaussian", "gamma", "inv_gamma", "beta", "dirichlet" where eliminated; "noncentred" where kept and
                     // sampled as epsilon
  std::string reason;  // where kept: bounds, scale_of, bilinear_with NAME, nonlinear, family, leftover_target, tp_bound,
                       // conflict, shape, cost, user, empty
  std::string detail;  // the reason as a sentence
  std::vector<int> lines;  // source lines of the reason
};

struct BlockFacts {
  std::string shape;  // D: all components are single scalars and there is no border; B: components and a border
  int n = 0, border = 0, components = 0, max_component = 0;
  long rows = 0, rows_compressed = 0;  // likelihood rows before and after compression
  int whitened = 0;
};

struct CostTerm {
  std::string name;  // operations, logarithms, densities, instructions, families, block, steps (what a leapfrog takes besides)
  double count = 0;  // lanes, multiply-adds or scalars
  double ns = 0;
};

// Predicted cost of a plan. ns * (d + 1)^(1/4) * 8^h is what the planner minimises: longer trajectories in more dimensions, and a
// funnel (h = 1) where a parameter that could be integrated out is sampled although its spread follows others that are sampled:
// its normal prior's scale depends on parameters (specification, 2.8), or its conjugate prior does, or it is multiplied by what
// cannot go, as z by sd in z * sd: on brms' `y ~ x + (x | g) + (1 | h)` sampling z took 13 to 30 times the gradients per
// effective draw. With nothing left to sample draws are independent and need no gradient: 0.
struct PlanCost {
  double ns = 0;  // of a leapfrog step; infinite where the block's shape does not fit
  std::vector<CostTerm> terms;
  int sampled = 0;  // d: dimensions sampled
  bool funnel = false;  // h
  int crowded = -1;  // where the shape does not fit: the parameter with most scalars in the part that cannot be split
  double weighted() const;
};

struct PlanAlternative {
  std::vector<int> eliminated;  // parameters, ascending
  PlanCost cost;
};

// What one of two plans did in a race (plan_race.h).
struct RaceEntry {
  std::vector<int> eliminated;  // parameters, ascending
  double ns = 0;  // predicted, of a gradient
  long leapfrogs = 0;  // of all draws
  int divergences = 0;
  double min_ess = 0;  // the smallest bulk ESS over lp__, sampled and recovered columns; 0 where there is none
  std::string column;  // that has it
  std::string failed;  // why it did not start; empty: it did
  bool won = false;
  double rate() const { return leapfrogs > 0 ? min_ess / (static_cast<double>(leapfrogs) * ns * 1e-9) : 0; }  // per predicted s
};

// The density of the kept parameters.
struct Marginal {
  std::vector<PlanEntry> plan;
  std::optional<BlockFacts> block;
  PlanCost cost;
  std::vector<PlanAlternative> alternatives;  // sets considered, cheapest first, at most eight; the one taken is among them
  std::vector<RaceEntry> race;  // of the first two alternatives, in their order; empty: there was none
  std::vector<int> kept, eliminated;  // indices into FactorGraph::parameters, ascending
  TargetSpec target;  // inputs: free slots of the kept parameters in declaration order; kept Jacobians included
  std::shared_ptr<const BlockSystem> gaussian;  // null where nothing is eliminated by the block
  std::shared_ptr<const FamilySystem> families;  // null where nothing is eliminated by a conjugate family
};

// Appends nodes to model.graph; where a parameter is to be sampled as epsilon, rewrites `model` so that it is (noncentred.h), and
// a second call finds it so. Throws Error(usage) for a name that is no parameter (with the nearest), Error(infeasible) for a
// named or required parameter that cannot be eliminated or standardised (with reason and line). Deterministic: reads no clock.
Marginal marginalize(FactorGraph& model, const PlanOptions& options);
// The same for options.marginalize == "auto" and a set, ascending, of those that were considered, cheapest or not.
Marginal marginalize(FactorGraph& model, const PlanOptions& options, const std::vector<int>& set);

// The density of all parameters, nothing eliminated: inputs are all free slots in order.
TargetSpec joint_target(const FactorGraph& model);

// Scalars of the constrained values of some parameters, in order: what Recovery::condition takes for Marginal::kept.
std::size_t constrained_size(const FactorGraph& model, const std::vector<int>& parameters);

}  // namespace tenfold::hmc_marg
