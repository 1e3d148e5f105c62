// Classes of components as block_layout.h makes them; what each of their rows and components costs.
//
// Constants are fitted to times of `sample` on programs with blocks of 7 to 354 scalars on a machine with AVX-512
// (tests/parity/hmc-marg/bench_plan_cost.py prints prediction and measurement side by side).
#include "hmc-marg/plan_block_cost.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "hmc-marg/block_kernels.h"

namespace tenfold::hmc_marg {

namespace {

constexpr double kStart = 60, kClass = 20;  // of the block; of a class
constexpr double kWide = 0.38;  // a vector multiply-add
constexpr double kGathered = 8, kFactor = 1;  // a part of eight rows whose factors are their own; such a factor
constexpr double kNarrowRow = 5, kNarrowPart = 3, kNarrow = 0.75, kNarrowComponent = 50;  // rows done alone, their multiply-adds
constexpr double kBorder = 0.3, kBorderScalar = 5;
constexpr std::size_t kMostIntercepts = 3;  // of regular components, as in block_layout.cpp

// Multiply-adds of a row on the way there and back that meets d scalars of its component and p of the border; of a component:
// factor, inverse, products with the border both ways.
double of_row(double d, double p) { return 1.5 * (d + p) * (d + p) + 5.5 * (d + p) + 3; }
double of_component(double d, double p) { return d * d * d * 0.8 + 3 * d * d + 2 * d * d * p + 1.5 * d * p * p + 4 * d * p; }

// Eight regular components: a row, and the rest.
double regular_row(double d, double p) { return 9.5 + 3.3 * d + (d > 1 ? 1.9 : 0.7) * p; }
double regular_component(double d, double p) { return 2 * d * d + (d > 1 ? 1.7 : 0.2) * d * p; }

struct Component {
  std::set<std::int32_t> border;
  std::set<Slot> kept;  // that many rows have
  double rows = 0, parts = 0, pairs = 0;  // pairs: squares of the rows' widths
  bool own = false;  // some row's scale, or a kept scalar, is met in few rows: its numbers are gathered

  void add(const PricedRows& row, const std::set<Slot>& shared, double width, bool own_numbers) {
    rows += row.count;
    parts += row.count * row.parts;
    pairs += row.count * width * width;
    kept.insert(shared.begin(), shared.end());
    own = own || own_numbers;
  }
};

struct Class {
  double members = 0, rows = 0, most = 0, parts = 0, pairs = 0;
  void add(const Component& c, double count) {
    members += count;
    rows += c.rows;
    most = std::max(most, c.rows / count);
    parts += c.parts;
    pairs += c.pairs;
  }
};

void price(double d, double p, bool regular, bool own, const Class& c, CostTerm& term) {
  term.ns += kClass;
  if (!regular && c.members <= 2) {
    const double madds = 1.5 * c.pairs + c.members * of_component(d, p);
    term.count += madds;
    term.ns += kNarrowRow * c.rows + kNarrowPart * c.parts + kNarrow * madds + (d > 0 ? c.members * kNarrowComponent : 0);
    return;
  }
  const double batches = std::ceil(c.members / kBlockLanes);
  const double rows = batches > 1 ? std::min(c.most, 1.1 * c.rows / c.members) : c.most;  // of a component, padded
  const double madds = batches * (rows * of_row(d, p) + of_component(d, p));
  term.count += madds;
  term.ns += regular ? batches * (rows * regular_row(d, p) + regular_component(d, p)) : kWide * madds;
  if (own) term.ns += kGathered * batches * rows * c.parts / std::max(1.0, c.rows);
}

}  // namespace

CostTerm block_cost(const BlockPartition& shape, const RowSet& block, const std::vector<PricedRows>& rows) {
  std::map<Slot, double> uses;  // of scales and kept scalars
  double all = 0;
  for (const PricedRows& row : rows) {
    uses[row.scale] += row.count;
    for (const Slot kept : row.kept) uses[kept] += row.count;
    all += row.count;
  }
  const auto rare = [&](Slot slot) { return slot != 0 && uses[slot] < 2 + std::floor(all / 64); };

  // A row of the border alone is a component of size 0.
  std::vector<Component> components(shape.components.size());
  std::vector<std::pair<Component, double>> loose;
  CostTerm term{"block", 0, kStart};
  for (std::size_t k = 0; k < rows.size(); ++k) {
    std::int32_t in = -1;
    std::set<std::int32_t> border;
    const auto terms = block.terms_of(block.rows[k]);
    for (const AffineTerm& t : terms) {
      const std::int32_t c = shape.component_of[static_cast<std::size_t>(t.z)];
      in = std::max(in, c);
      if (c < 0) border.insert(t.z);
    }
    std::set<Slot> shared;
    for (const Slot kept : rows[k].kept)
      if (!rare(kept)) shared.insert(kept);
    const bool own = rare(rows[k].scale) || shared.size() < rows[k].kept.size();
    if (own) term.ns += kFactor * rows[k].count * rows[k].parts;
    if (in < 0) loose.emplace_back(Component{}, rows[k].count);
    Component& c = in < 0 ? loose.back().first : components[static_cast<std::size_t>(in)];
    c.border.insert(border.begin(), border.end());
    c.add(rows[k], shared, static_cast<double>(terms.size()), own);
  }

  // Components of one size and border are regular together, or each for itself in classes of equal structure.
  using Shape = std::pair<std::size_t, std::set<std::int32_t>>;
  std::map<Shape, std::pair<bool, std::set<Slot>>> alike;  // as Component::own and kept
  std::map<std::pair<Shape, std::set<Slot>>, Class> classes;
  const auto each = [&](const auto& visit) {
    for (std::size_t i = 0; i < components.size(); ++i)
      visit(Shape{shape.components[i].size(), components[i].border}, components[i], 1.0);
    for (const auto& [c, count] : loose) visit(Shape{0, c.border}, c, count);
  };
  each([&](const Shape& s, const Component& c, double) {
    auto& [own, kept] = alike[s];
    own = own || c.own;
    if (kept.size() <= kMostIntercepts) kept.insert(c.kept.begin(), c.kept.end());
  });
  const auto regular = [&](const Shape& s) {
    const auto& [own, kept] = alike.at(s);
    return !own && kept.size() < kMostIntercepts && s.first <= 2 && s.second.size() <= (s.first == 0 ? 0u : 2u);
  };
  each([&](const Shape& s, const Component& c, double count) {
    classes[{s, regular(s) ? std::set<Slot>{} : c.kept}].add(c, count);
  });
  for (const auto& [key, c] : classes) {
    const Shape& s = key.first;
    price(static_cast<double>(s.first), static_cast<double>(s.second.size()), regular(s), alike.at(s).first, c, term);
  }
  const double p = static_cast<double>(shape.border.size());
  term.count += p * p * p;
  term.ns += kBorder * p * p * p + kBorderScalar * p;
  return term;
}

}  // namespace tenfold::hmc_marg
