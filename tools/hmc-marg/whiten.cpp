// z = location + scale * e, from the leaves of the reference graph upwards.
#include "hmc-marg/whiten.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "hmc-marg/affine_forms.h"

namespace tenfold::hmc_marg {

namespace {

// Depth-first over locations; a scalar met again while it is open closes a cycle, and the one whose location closes it stays
// centred. A vector with a correlated prior is one unit: its elements follow each other, the last first, or all stay centred.
class PriorOrder {
 public:
  PriorOrder(const RowSet& rows, BlockSystem& system, std::vector<std::int32_t>& prior)
      : rows_(rows), system_(system), prior_(prior), state_(prior.size(), kNew), spread_(prior.size(), 1) {
    for (std::int32_t z = 0; z < system.n; ++z)
      if (const std::int32_t row = prior_[at(z)]; row >= 0 && rows.rows[at(row)].together >= 0)
        together_[rows.rows[at(row)].together].push_back(z);
  }

  void visit(std::int32_t z) {
    if (state_[at(z)] != kNew) return;
    const std::int32_t row = prior_[at(z)];
    std::vector<std::int32_t> unit = {z};
    if (row >= 0 && rows_.rows[at(row)].together >= 0) unit = together_[rows_.rows[at(row)].together];
    for (const std::int32_t member : unit) state_[at(member)] = kOpen;
    bool whitens = row >= 0;
    for (const std::int32_t member : unit) whitens = whitens && location_fits(member);
    // Elements refer to e of those before them: the first has no such term.
    if (whitens)
      std::sort(unit.begin(), unit.end(), [&](std::int32_t l, std::int32_t r) { return prior_[at(l)] > prior_[at(r)]; });
    for (const std::int32_t member : unit) {
      if (whitens)
        system_.order.push_back(member);
      else
        prior_[at(member)] = -1, spread_[at(member)] = 1;
      state_[at(member)] = kClosed;
    }
  }

 private:
  enum State : std::uint8_t { kNew, kOpen, kClosed };
  static std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

  // Visits the scalars that z's location refers to; false where these keep z from being whitened.
  bool location_fits(std::int32_t z) {
    const auto terms = rows_.terms_of(rows_.rows[at(prior_[at(z)])]);
    const auto other = [&](const AffineTerm& term) { return term.z >= 0 && term.z < system_.n && term.z != z; };
    for (const AffineTerm& term : terms)
      if (other(term) && system_.parameter[at(term.z)] == system_.parameter[at(z)]) return false;
    std::size_t spread = 1;
    for (const AffineTerm& term : terms) {
      if (!other(term)) continue;
      if (state_[at(term.z)] == kOpen) return false;
      visit(term.z);
      spread += spread_[at(term.z)];
    }
    spread_[at(z)] = spread;
    return spread <= kMaxSubstitution;
  }

  const RowSet& rows_;
  BlockSystem& system_;
  std::vector<std::int32_t>& prior_;
  std::vector<State> state_;
  std::vector<std::size_t> spread_;  // scalars e in the expansion of z, shared ones counted twice, its own vector's not
  std::map<std::int32_t, std::vector<std::int32_t>> together_;
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
  system.constant +=
      (static_cast<double>(system.n) - static_cast<double>(system.order.size()) - normalisers) * 0.91893853320467274178;
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
      else if (term.z >= system.n)
        terms.push_back({term.z - system.n, term.ref, -term.number});
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
