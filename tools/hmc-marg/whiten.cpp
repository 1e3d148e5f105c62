// z = location + scale * e, from the leaves of the reference graph upwards.
#include "hmc-marg/whiten.h"

#include <algorithm>
#include <cmath>

#include "hmc-marg/affine_forms.h"

namespace tenfold::hmc_marg {

namespace {

// Depth-first over locations; a scalar met again while it is open closes a cycle, and the one whose location closes it stays centred.
class PriorOrder {
 public:
  PriorOrder(const RowSet& rows, BlockSystem& system, std::vector<std::int32_t>& prior)
      : rows_(rows), system_(system), prior_(prior), state_(prior.size(), kNew), spread_(prior.size(), 1) {}

  void visit(std::int32_t z) {
    if (state_[static_cast<std::size_t>(z)] != kNew) return;
    state_[static_cast<std::size_t>(z)] = kOpen;
    std::int32_t& row = prior_[static_cast<std::size_t>(z)];
    if (row >= 0) {
      const auto terms = rows_.terms_of(rows_.rows[static_cast<std::size_t>(row)]);
      bool whitens = true;
      for (const AffineTerm& term : terms)
        if (term.z >= 0 && term.z != z && system_.parameter[static_cast<std::size_t>(term.z)] == system_.parameter[static_cast<std::size_t>(z)]) whitens = false;
      std::size_t spread = 1;
      for (const AffineTerm& term : terms) {
        if (!whitens || term.z < 0 || term.z == z) continue;
        visit(term.z);
        whitens = state_[static_cast<std::size_t>(term.z)] == kClosed;
        spread += spread_[static_cast<std::size_t>(term.z)];
      }
      if (whitens && spread <= kMaxSubstitution) {
        spread_[static_cast<std::size_t>(z)] = spread;
        system_.order.push_back(z);
      } else {
        row = -1;
      }
    }
    state_[static_cast<std::size_t>(z)] = kClosed;
  }

 private:
  enum State : std::uint8_t { kNew, kOpen, kClosed };
  const RowSet& rows_;
  BlockSystem& system_;
  std::vector<std::int32_t>& prior_;
  std::vector<State> state_;
  std::vector<std::size_t> spread_;  // scalars e in the expansion of z, shared ones counted twice
};

}  // namespace

RowSet take_priors(const RowSet& rows, BlockSystem& system) {
  const auto n = static_cast<std::size_t>(system.n);
  std::vector<std::int32_t> prior(n, -1);
  for (std::size_t k = 0; k < rows.rows.size(); ++k) {
    const std::int32_t z = rows.rows[k].variate_of;
    if (z < 0 || prior[static_cast<std::size_t>(z)] >= 0) continue;
    if (rows.rows[k].scale == 0 && !(rows.rows[k].known_scale > 0)) continue;
    bool alone = false, twice = false;  // its own coefficient must be 1: the location must not contain it
    for (const AffineTerm& term : rows.terms_of(rows.rows[k])) {
      if (term.z != z) continue;
      twice = alone || twice;
      alone = term.ref == 0 && term.number == 1;
    }
    if (alone && !twice) prior[static_cast<std::size_t>(z)] = static_cast<std::int32_t>(k);
  }
  PriorOrder order(rows, system, prior);
  for (std::int32_t z = 0; z < system.n; ++z) order.visit(z);

  std::vector<bool> taken(rows.rows.size(), false);
  system.prior.assign(n, -1);
  for (std::size_t z = 0; z < n; ++z) {
    if (prior[z] < 0) continue;
    taken[static_cast<std::size_t>(prior[z])] = true;
    system.prior[z] = static_cast<std::int32_t>(system.priors.rows.size());
    const BlockRow& row = rows.rows[static_cast<std::size_t>(prior[z])];
    system.priors.add(row, rows.terms_of(row));
  }
  RowSet rest;
  std::vector<AffineTerm> terms;
  double normalisers = 0;
  for (std::size_t k = 0; k < rows.rows.size(); ++k) {
    if (taken[k]) continue;
    BlockRow row = rows.rows[k];
    const auto source = rows.terms_of(row);
    terms.assign(source.begin(), source.end());
    for (AffineTerm& term : terms) term.number /= row.known_scale;
    system.constant -= row.normalisers * std::log(row.known_scale);
    normalisers += row.normalisers;
    row.known_scale = 1;
    rest.add(row, terms);
  }
  system.constant += (static_cast<double>(system.n) - static_cast<double>(system.order.size()) - normalisers) * 0.91893853320467274178;
  return rest;
}

RowSet substitute(Graph& graph, const RowSet& rows, const BlockSystem& system) {
  CoefficientGraph coefficients(graph);
  // expansion[z]: z in terms of e and intercept terms
  std::vector<std::vector<AffineTerm>> expansion(static_cast<std::size_t>(system.n));
  for (std::size_t z = 0; z < expansion.size(); ++z)
    if (system.prior[z] < 0) expansion[z] = {{static_cast<std::int32_t>(z), 0, 1.0}};
  const auto add_product = [&](std::vector<AffineTerm>& out, const AffineTerm& outer, double sign) {
    for (const AffineTerm& inner : expansion[static_cast<std::size_t>(outer.z)])
      out.push_back({inner.z, coefficients.product(outer.ref, inner.ref), sign * outer.number * inner.number});
  };
  for (const std::int32_t z : system.order) {
    const BlockRow& row = system.priors.rows[static_cast<std::size_t>(system.prior[static_cast<std::size_t>(z)])];
    std::vector<AffineTerm>& terms = expansion[static_cast<std::size_t>(z)];
    terms.push_back({z, row.scale, row.known_scale});
    for (const AffineTerm& term : system.priors.terms_of(row)) {  // r = z - location, so the location is minus the other terms
      if (term.z == z) continue;
      if (term.z == kIntercept)
        terms.push_back({kIntercept, term.ref, -term.number});
      else
        add_product(terms, term, -1);
    }
    normalise(terms);
  }
  RowSet out;
  std::vector<AffineTerm> terms;
  for (const BlockRow& row : rows.rows) {
    terms.clear();
    for (const AffineTerm& term : rows.terms_of(row)) {
      if (term.z == kIntercept)
        terms.push_back(term);
      else
        add_product(terms, term, 1);
    }
    normalise(terms);
    out.add(row, terms);
  }
  return out;
}

}  // namespace tenfold::hmc_marg
