// The counts of a model, restricted to one set of eliminated parameters: operations still needed, families, and the block's
// arithmetic.
#include "hmc-marg/plan_cost.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "hmc-marg/block_partition.h"
#include "hmc-marg/compress.h"
#include "hmc-marg/plan_block_cost.h"
#include "hmc-marg/whiten.h"

namespace tenfold::hmc_marg {

namespace {

// ns. A leapfrog step has other work than the gradient: some for the tree, some for each dimension (measured on joint densities
// of 10 to 357 dimensions).
constexpr double kInstruction = 15, kStep = 80, kDimension = 3.5;

bool meets(const std::vector<int>& parameters, const std::vector<bool>& eliminated) {
  return std::any_of(parameters.begin(), parameters.end(), [&](int p) { return eliminated[static_cast<std::size_t>(p)]; });
}

bool transcendental(Op op) {
  return lane_wise(op) && op >= Op::exp && op != Op::square && op != Op::inv && (op < Op::add || op > Op::div);
}

}  // namespace

double PlanCost::weighted() const {
  if (sampled == 0 && crowded < 0) return 0;
  return ns * std::pow(sampled + 1.0, 0.25) * (funnel ? 8 : 1);
}

PlanCost CostModel::of(const std::vector<bool>& eliminated) const {
  PlanCost cost;
  for (std::size_t p = 0; p < model_.parameters.size(); ++p) {
    if (eliminated[p]) continue;
    cost.sampled += static_cast<int>(model_.parameters[p].free_size);
    if (eligibility_.why[p].reason.empty() && funnel(p)) cost.funnel = true;
  }
  add_operations(eliminated, cost);
  add_families(eliminated, cost);
  add_block(eliminated, cost);
  cost.terms.push_back({"steps", static_cast<double>(cost.sampled), kStep + kDimension * cost.sampled});
  for (const CostTerm& term : cost.terms) cost.ns += term.ns;
  if (cost.crowded >= 0) cost.ns = std::numeric_limits<double>::infinity();
  return cost;
}

// That the parameter's conditional spread follows others that are sampled. A centred one's prior narrows with its scale; in z *
// sd the likelihood narrows z as sd grows, which a prior of its own does not. A plate's prior has the spread of its arguments.
bool CostModel::funnel(std::size_t p) const {
  if (eligibility_.plate[p] != nullptr) return counts_.families[p].prior_varies;
  const PriorFacts& prior = counts_.priors[p];
  return prior.scale_varies ? !funnels_vanish_ : prior.multiplied;
}

void CostModel::add_operations(const std::vector<bool>& eliminated, PlanCost& cost) const {
  std::vector<bool> needed;
  for (const auto& reach : counts_.reaches)
    needed.push_back(
        std::any_of(reach.begin(), reach.end(), [&](std::uint32_t t) { return !meets(counts_.touches[t], eliminated); }));
  CostTerm operations{"operations", 0, 0}, logarithms{"logarithms", 0, 0}, densities{"densities", 0, 0},
      instructions{"instructions", 0, 0};
  int op = -1, depth = -1;
  for (const WorkKind& work : counts_.work) {
    if (!needed[work.reach]) continue;
    CostTerm& term = work.op >= static_cast<int>(Op::count_)    ? densities
                     : transcendental(static_cast<Op>(work.op)) ? logarithms
                                                                : operations;
    term.count += work.lanes;
    term.ns += work.ns;
    if (work.op != op || work.depth != depth) ++instructions.count;
    op = work.op;
    depth = work.depth;
  }
  instructions.ns = instructions.count * kInstruction;
  for (CostTerm& term : {std::ref(operations), std::ref(logarithms), std::ref(densities), std::ref(instructions)})
    cost.terms.push_back(term);
}

void CostModel::add_families(const std::vector<bool>& eliminated, PlanCost& cost) const {
  CostTerm families{"families", 0, 0};
  for (std::size_t p = 0; p < model_.parameters.size(); ++p) {
    if (!eliminated[p] || eligibility_.rule[p] == "gaussian") continue;
    families.count += static_cast<double>(model_.parameters[p].value.size());
    families.ns += 2 * kInstruction + counts_.families[p].ns;
  }
  if (families.count > 0) cost.terms.push_back(families);
}

// The block that would be made of these rows: the same whitening, grouping and partition as of the real one, on kinds of rows.
void CostModel::add_block(const std::vector<bool>& eliminated, PlanCost& cost) const {
  BlockSystem system;
  std::map<Slot, std::int32_t> index;
  for (std::size_t p = 0; p < model_.parameters.size(); ++p) {
    if (!eliminated[p] || eligibility_.rule[p] != "gaussian") continue;
    for (const Slot slot : model_.parameters[p].value.slot) {
      index[slot] = static_cast<std::int32_t>(system.value.size());
      system.value.push_back(slot);
      system.parameter.push_back(static_cast<int>(p));
    }
  }
  system.n = static_cast<int>(system.value.size());
  if (system.n == 0) return;
  const auto z_of = [&](Slot slot) {
    const auto at = index.find(slot);
    return at == index.end() ? kIntercept : at->second;
  };
  RowSet rows;
  std::vector<AffineTerm> terms;
  for (std::size_t k = 0; k < counts_.rows.size(); ++k) {
    const RowKind& kind = counts_.rows[k];
    terms.clear();
    for (const Slot atom : counts_.supports[kind.support])
      if (const std::int32_t z = z_of(atom); z >= 0) terms.push_back({z, 0, 1});
    if (terms.empty()) continue;
    std::sort(terms.begin(), terms.end(), [](const AffineTerm& l, const AffineTerm& r) { return l.z < r.z; });
    BlockRow row;
    row.scale = kind.scale;
    row.variate_of = kind.variate == 0 ? -1 : z_of(kind.variate);
    row.normalisers = kind.count;
    row.line = static_cast<int>(k);  // which kind it is of
    rows.add(row, terms);
  }
  const RowSet rest = take_priors(rows, system);

  // Whitened scalars stand for their own e and those of their location; kept scalars of the location come along.
  std::vector<std::vector<std::int32_t>> expansion(static_cast<std::size_t>(system.n));
  std::vector<std::vector<Slot>> kept_of(static_cast<std::size_t>(system.n));
  for (std::size_t z = 0; z < expansion.size(); ++z)
    if (system.prior[z] < 0) expansion[z] = {static_cast<std::int32_t>(z)};
  const auto expand = [&](std::span<const AffineTerm> form, std::int32_t but, std::vector<std::int32_t>& out) {
    for (const AffineTerm& term : form)
      if (term.z >= 0 && term.z != but)
        out.insert(out.end(), expansion[static_cast<std::size_t>(term.z)].begin(),
                   expansion[static_cast<std::size_t>(term.z)].end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
  };
  for (const std::int32_t z : system.order) {
    std::vector<std::int32_t> own = {z};
    const BlockRow& row = system.priors.rows[static_cast<std::size_t>(system.prior[static_cast<std::size_t>(z)])];
    expand(system.priors.terms_of(row), z, own);
    expansion[static_cast<std::size_t>(z)] = own;
    for (const Slot atom : counts_.supports[counts_.rows[static_cast<std::size_t>(row.line)].support])
      if (z_of(atom) < 0) kept_of[static_cast<std::size_t>(z)].push_back(atom);
  }

  // Rows of equal scale and equal scalars become a triangle, unless too many kept ones enter them.
  struct Group {
    double count = 0;
    std::set<Slot> kept;
  };
  std::map<std::pair<Slot, std::vector<std::int32_t>>, Group> groups;
  for (const BlockRow& row : rest.rows) {
    std::vector<std::int32_t> columns;
    for (const AffineTerm& term : rest.terms_of(row)) columns.push_back(term.z);
    Group& group = groups[{row.scale, columns}];
    group.count += row.normalisers;
    if (group.kept.size() <= kMaxCompressedAtoms)
      for (const Slot atom : counts_.supports[counts_.rows[static_cast<std::size_t>(row.line)].support])
        if (z_of(atom) < 0) group.kept.insert(atom);
  }
  RowSet block;
  std::vector<PricedRows> priced;
  std::map<Slot, std::set<Slot>>
      merged;   // the triangles' rows without eliminated scalars: one triangle a scale, over these kept ones
  for (auto& [key, group] : groups) {
    std::vector<std::int32_t> columns;
    for (const std::int32_t z : key.second)
      columns.insert(columns.end(), expansion[static_cast<std::size_t>(z)].begin(), expansion[static_cast<std::size_t>(z)].end());
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    const double width = static_cast<double>(key.second.size() + group.kept.size() + 1);
    const bool triangle = compress_ && group.kept.size() <= kMaxCompressedAtoms && group.count > width;
    if (triangle) merged[key.first].insert(group.kept.begin(), group.kept.end());
    for (const std::int32_t z : key.second)
      group.kept.insert(kept_of[static_cast<std::size_t>(z)].begin(), kept_of[static_cast<std::size_t>(z)].end());
    priced.push_back({triangle ? static_cast<double>(key.second.size()) : group.count,
                      static_cast<double>(columns.size() + group.kept.size() + 1), key.first, group.kept});
    terms.clear();
    for (const std::int32_t z : columns) terms.push_back({z, 0, 1});
    block.add({}, terms);
  }
  for (const auto& [scale, kept] : merged) {
    const double width = static_cast<double>(kept.size() + 1);
    priced.push_back({width, width, scale, kept});
    block.add({}, {});
  }
  const BlockPartition shape = partition(system.n, block);
  if (!shape.stuck.empty()) {
    std::vector<int> scalars(model_.parameters.size(), 0);
    for (const std::int32_t z : shape.stuck) ++scalars[static_cast<std::size_t>(system.parameter[static_cast<std::size_t>(z)])];
    cost.crowded = static_cast<int>(std::max_element(scalars.begin(), scalars.end()) - scalars.begin());
    return;
  }

  cost.terms.push_back(block_cost(shape, block, priced));
}

}  // namespace tenfold::hmc_marg
