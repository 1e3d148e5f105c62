// What a gradient costs when some parameters are integrated out: nanoseconds predicted from structure counts alone, so that plans
// are equal on all machines (specification, 2.8). Nothing is built: rows of equal structure are counted once, when the model is
// read.
#pragma once

#include <cstdint>
#include <vector>

#include "hmc-marg/affine_classes.h"
#include "hmc-marg/plan.h"
#include "hmc-marg/plan_eligibility.h"

namespace tenfold::hmc_marg {

// An unbounded parameter's prior: for each scalar the first normal lane in source order whose variate is that scalar alone.
struct PriorFacts {
  bool complete = false;  // each scalar has one, whose location and scale do not refer to the parameter itself
  bool scale_varies = false;  // some scale depends on parameters: a funnel if the parameter is sampled as declared
  bool location_varies = false;  // some location does
  bool multiplied = false;  // somewhere it is multiplied by what cannot be integrated out, as z by sd in z * sd
};

// A plate of a conjugate family.
struct FamilyCost {
  double ns = 0;  // of its marginal
  bool prior_varies = false;  // its prior depends on parameters: a funnel if the plate is sampled
};

// Likelihood or prior rows of equal scale and equal scalars.
struct RowKind {
  Slot scale = 0;  // 0: known
  Slot variate = 0;  // the scalar that the row is a prior of, or 0
  std::uint32_t support = 0;  // index into ModelCounts::supports
  double count = 0;
};

// Lanes of one operation that are needed for the same densities.
struct WorkKind {
  int op = 0;  // Op, or Op::count_ + Density
  int depth = 0;  // one instruction an operation and depth
  std::uint32_t reach = 0;  // index into ModelCounts::reaches
  double lanes = 0, ns = 0;
};

// The structure of a model, counted. Its size does not depend on the number of rows, where these are alike.
struct ModelCounts {
  std::vector<std::vector<Slot>>
      supports;  // distinct sets of atoms: constrained scalars, or scalars computed other than linearly
  std::vector<std::vector<int>> touches;  // distinct sets of eligible parameters that a density meets; touches[0] is empty
  std::vector<std::vector<std::uint32_t>> reaches;  // distinct sets of touches that an operation serves; {0}: it is always needed
  std::vector<WorkKind> work;  // sorted by operation and depth
  std::vector<RowKind> rows;  // in source order of their first
  std::vector<FamilyCost> families;  // [parameters]
  std::vector<PriorFacts> priors;  // [parameters]
};

ModelCounts count_structure(const FactorGraph& model, const Dependencies& dependencies, const Eligibility& eligibility);

class CostModel {
 public:
  // funnels_vanish: kept parameters with a varying prior scale will be sampled non-centred.
  CostModel(const FactorGraph& model, const ModelCounts& counts, const Eligibility& eligibility, bool compress,
            bool funnels_vanish)
      : model_(model), counts_(counts), eligibility_(eligibility), compress_(compress), funnels_vanish_(funnels_vanish) {}

  // eliminated[p]: a set without conflicts.
  PlanCost of(const std::vector<bool>& eliminated) const;

 private:
  bool funnel(std::size_t p) const;  // where p is sampled
  void add_operations(const std::vector<bool>& eliminated, PlanCost& cost) const;
  void add_families(const std::vector<bool>& eliminated, PlanCost& cost) const;
  void add_block(const std::vector<bool>& eliminated, PlanCost& cost) const;

  const FactorGraph& model_;
  const ModelCounts& counts_;
  const Eligibility& eligibility_;
  bool compress_, funnels_vanish_;
};

}  // namespace tenfold::hmc_marg
