// Mean, variances and covariances of the eliminated scalars given the kept ones, for checks and for exact integration.
#include <algorithm>
#include <set>
#include <utility>

#include "hmc-marg/recover_state.h"

namespace tenfold::hmc_marg {

using recovery::Component;
using recovery::Definition;
using recovery::solve_lower;

void Recovery::mean(std::span<double> z) const {
  State& s = *state_;
  s.settle();
  s.on_block(z, [&](std::span<double> x) { s.to_z(s.numbers.mean, x); });
  s.families.mean(s.numbers.family, z);
}

// Cov(z) = J (L L')^-1 J' with J = dz/de: for row i of J, L^-1 J_i' by running whitening backwards.
double Recovery::covariance(std::size_t i, std::size_t j) const {
  State& s = *state_;
  s.settle();
  if (!s.place_in_block.empty()) {
    if (s.place_in_block[i] < 0 || s.place_in_block[j] < 0) return s.families.covariance(s.numbers.family, i, j);
    i = static_cast<std::size_t>(s.place_in_block[i]);
    j = static_cast<std::size_t>(s.place_in_block[j]);
  }
  std::vector<double> x[2];
  for (int k = 0; k < 2; ++k) {
    x[k].assign(static_cast<std::size_t>(s.system->n), 0.0);
    x[k][k == 0 ? i : j] = 1;
    for (std::size_t t = s.definitions.size(); t-- > 0;) {
      const Definition& d = s.definitions[t];
      double& weight = x[k][static_cast<std::size_t>(d.z)];
      for (std::uint32_t u = d.first; u < d.first + d.count && weight != 0; ++u)
        if (s.terms[u].z != kIntercept)
          x[k][static_cast<std::size_t>(s.terms[u].z)] += weight * s.terms[u].number * s.value(s.terms[u].ref);
      weight *= d.known_scale * s.value(d.scale);
    }
    s.solve(x[k]);
    if (i == j) break;
  }
  const std::vector<double>& y = i == j ? x[0] : x[1];
  double sum = 0;
  for (std::size_t k = 0; k < y.size(); ++k) sum += x[0][k] * y[k];
  return sum;
}

void Recovery::State::find_paths() {
  const auto n = static_cast<std::size_t>(system->n);
  std::vector<std::int32_t> definition_of(n, -1);
  for (std::size_t t = 0; t < definitions.size(); ++t)
    definition_of[static_cast<std::size_t>(definitions[t].z)] = static_cast<std::int32_t>(t);
  steps_at = reached_at = {0};
  direction.assign(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<std::int32_t> open = {static_cast<std::int32_t>(i)};
    std::set<std::int32_t> met(open.begin(), open.end());
    std::set<std::uint32_t, std::greater<>> path;
    std::set<std::uint32_t> touched;
    while (!open.empty()) {
      const auto z = static_cast<std::size_t>(open.back());
      open.pop_back();
      if (system->partition.component_of[z] >= 0) touched.insert(static_cast<std::uint32_t>(system->partition.component_of[z]));
      if (definition_of[z] < 0) continue;
      path.insert(static_cast<std::uint32_t>(definition_of[z]));
      const Definition& d = definitions[static_cast<std::size_t>(definition_of[z])];
      for (std::uint32_t u = d.first; u < d.first + d.count; ++u)
        if (terms[u].z != kIntercept && met.insert(terms[u].z).second) open.push_back(terms[u].z);
    }
    steps.insert(steps.end(), path.begin(), path.end());
    reached.insert(reached.end(), touched.begin(), touched.end());
    steps_at.push_back(static_cast<std::uint32_t>(steps.size()));
    reached_at.push_back(static_cast<std::uint32_t>(reached.size()));
  }
}

// As covariance(i, i), but only where row i of J is not zero.
double Recovery::State::variance_in_block(std::size_t i) const {
  std::vector<double>& x = direction;
  const int p = border_size();
  double* const a = work.data();
  double* const b = border_work();
  x[i] = 1;
  for (std::uint32_t k = steps_at[i]; k < steps_at[i + 1]; ++k) {
    const Definition& d = definitions[steps[k]];
    double& weight = x[static_cast<std::size_t>(d.z)];
    for (std::uint32_t u = d.first; u < d.first + d.count; ++u)
      if (terms[u].z != kIntercept) x[static_cast<std::size_t>(terms[u].z)] += weight * terms[u].number * value(terms[u].ref);
    weight *= d.known_scale * value(d.scale);
  }
  for (std::size_t q = 0; q < border.size(); ++q) b[q] = std::exchange(x[border[q]], 0.0);
  double sum = 0;
  for (std::uint32_t k = reached_at[i]; k < reached_at[i + 1]; ++k) {
    const Component& c = components[reached[k]];
    const double* const coupling = numbers.coupling.data() + c.coupling;
    for (int j = 0; j < c.d; ++j) a[j] = std::exchange(x[scalars[c.scalars + static_cast<std::size_t>(j)]], 0.0);
    solve_lower(numbers.component.data() + c.component, c.d, a);
    for (int j = 0; j < c.d; ++j) sum += a[j] * a[j];
    for (int q = 0; q < p; ++q)
      for (int j = 0; j < c.d; ++j) b[q] -= coupling[q * c.d + j] * a[j];
  }
  solve_lower(numbers.border.data(), p, b);
  for (int q = 0; q < p; ++q) sum += b[q] * b[q];
  return sum;
}

void Recovery::variance(std::span<double> z) const {
  State& s = *state_;
  s.settle();
  if (s.place_in_block.empty()) {
    for (std::size_t i = 0; i < z.size(); ++i) z[i] = s.variance_in_block(i);
    return;
  }
  s.families.variance(s.numbers.family, z);
  for (std::size_t i = 0; i < s.place.size(); ++i) z[s.place[i]] = s.variance_in_block(i);
}

void Recovery::excess_kurtosis(std::span<double> z) const {
  std::fill(z.begin(), z.end(), 0.0);
  state_->families.excess_kurtosis(state_->numbers.family, z);
}

}  // namespace tenfold::hmc_marg
