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
#include "hmc-marg/whiten.h"

namespace tenfold::hmc_marg {

namespace {

constexpr double kInstruction = 15, kPart = 0.95, kPivot = 2.5, kDense = 0.12, kFamilyScalar = 36, kFamilyLane = 3;  // ns

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
    if (!funnels_vanish_ && eligibility_.why[p].reason.empty() && counts_.priors[p].scale_varies) cost.funnel = true;
  }
  add_operations(eliminated, cost);
  add_families(eliminated, cost);
  add_block(eliminated, cost);
  for (const CostTerm& term : cost.terms) cost.ns += term.ns;
  if (cost.crowded >= 0) cost.ns = std::numeric_limits<double>::infinity();
  return cost;
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

// Parameters of a conjugate family: ratios of gamma functions an element, a few operations a child.
void CostModel::add_families(const std::vector<bool>& eliminated, PlanCost& cost) const {
  CostTerm families{"families", 0, 0};
  for (std::size_t p = 0; p < model_.parameters.size(); ++p) {
    if (!eliminated[p] || eligibility_.rule[p] == "gaussian") continue;
    families.count += static_cast<double>(model_.parameters[p].value.size());
    families.ns += kInstruction + kFamilyScalar * static_cast<double>(model_.parameters[p].value.size());
    for (std::size_t t = 0; t < counts_.touches.size(); ++t)
      if (std::binary_search(counts_.touches[t].begin(), counts_.touches[t].end(), static_cast<int>(p)))
        families.ns += kFamilyLane * counts_.other_lanes[t];
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
  std::vector<double> weight, parts;       // rows of each kind; parts of such a row
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
    weight.push_back(triangle ? static_cast<double>(key.second.size()) : group.count);
    if (triangle) merged[key.first].insert(group.kept.begin(), group.kept.end());
    for (const std::int32_t z : key.second)
      group.kept.insert(kept_of[static_cast<std::size_t>(z)].begin(), kept_of[static_cast<std::size_t>(z)].end());
    parts.push_back(static_cast<double>(columns.size() + group.kept.size() + 1));
    terms.clear();
    for (const std::int32_t z : columns) terms.push_back({z, 0, 1});
    block.add({}, terms);
  }
  for (const auto& [scale, kept] : merged) {
    weight.push_back(static_cast<double>(kept.size() + 1));
    parts.push_back(static_cast<double>(kept.size() + 1));
    block.add({}, {});
  }
  const BlockPartition shape = partition(system.n, block);
  if (!shape.stuck.empty()) {
    std::vector<int> scalars(model_.parameters.size(), 0);
    for (const std::int32_t z : shape.stuck) ++scalars[static_cast<std::size_t>(system.parameter[static_cast<std::size_t>(z)])];
    cost.crowded = static_cast<int>(std::max_element(scalars.begin(), scalars.end()) - scalars.begin());
    return;
  }

  // A narrow row costs its parts, a wide one the outer product over its component and the border scalars that component meets;
  // then the factor and, twice that, its inverse; then the border's.
  CostTerm arithmetic{"block", 0, 0};
  const auto factorise = [&](double multiply_adds) {
    arithmetic.count += multiply_adds;
    arithmetic.ns += 3 * multiply_adds * kDense;
  };
  std::vector<std::set<std::int32_t>> border(shape.components.size());
  std::vector<std::int32_t> component_of_row;
  for (const BlockRow& row : block.rows) {
    std::int32_t component = -1;
    for (const AffineTerm& term : block.terms_of(row))
      component = std::max(component, shape.component_of[static_cast<std::size_t>(term.z)]);
    component_of_row.push_back(component);
    if (component < 0) continue;
    for (const AffineTerm& term : block.terms_of(row))
      if (shape.component_of[static_cast<std::size_t>(term.z)] < 0) border[static_cast<std::size_t>(component)].insert(term.z);
  }
  std::set<std::pair<std::size_t, std::size_t>> classes;
  for (std::size_t c = 0; c < border.size(); ++c) {
    const double d = static_cast<double>(shape.components[c].size()), p = static_cast<double>(border[c].size());
    classes.emplace(shape.components[c].size(), border[c].size());
    factorise(d * d * d / 6 + d * d * p / 2 + d * p * p / 2);
    arithmetic.ns += d * kPivot;
  }
  for (std::size_t k = 0; k < block.rows.size(); ++k) {
    const std::int32_t c = component_of_row[k];
    const double width = 1 + (c < 0 ? static_cast<double>(block.rows[k].count)
                                    : static_cast<double>(shape.components[static_cast<std::size_t>(c)].size() +
                                                          border[static_cast<std::size_t>(c)].size()));
    const double multiply_adds = width * (width + 1) / 2;
    arithmetic.count += weight[k] * multiply_adds;
    arithmetic.ns += weight[k] * std::max(parts[k] * kPart, 3 * multiply_adds * kDense);
  }
  const double p = static_cast<double>(shape.border.size());
  factorise(p * p * p / 6);
  arithmetic.ns += p * kPivot;
  arithmetic.ns += kInstruction * static_cast<double>(1 + classes.size());
  cost.terms.push_back(arithmetic);
}

}  // namespace tenfold::hmc_marg
