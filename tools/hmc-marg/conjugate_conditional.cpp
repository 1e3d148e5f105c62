// Gamma(a, b): shape and rate. InvGamma(a, b): 1 / x is Gamma(a, b). Beta(a, b). Dirichlet(a_1 .. a_K).
#include "hmc-marg/conjugate_conditional.h"

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/random_variates.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg {

namespace {

// From log-gammas, so that shapes far below 1 do not all underflow.
void draw_dirichlet(std::span<const double> alpha, PhiloxStream& random, double* x) {
  double largest = -kInfinity, sum = 0;
  for (std::size_t k = 0; k < alpha.size(); ++k) largest = std::max(largest, x[k] = draw_log_gamma(alpha[k], random));
  for (std::size_t k = 0; k < alpha.size(); ++k) sum += x[k] = std::exp(x[k] - largest);
  for (std::size_t k = 0; k < alpha.size(); ++k) x[k] /= sum;
}

}  // namespace

FamilyConditional::FamilyConditional(const FamilySystem& system, const std::function<std::int32_t(Slot)>& output,
                                     const std::function<std::size_t(int)>& place_of) {
  const auto part = [&](const Quantity& q) { return Part{q.number, q.slot == 0 ? -1 : output(q.slot)}; };
  for (const Quantity& q : system.prior) prior_.push_back(part(q));
  for (const Quantity& q : system.gain) gain_.push_back(part(q));
  for (const FamilyElement& e : system.elements)
    elements_.push_back({e.family, place_of(e.parameter) + e.scalar, e.first, e.size, e.parts});
}

bool FamilyConditional::condition(std::span<const double> values, std::span<double> numbers) const {
  const auto value = [&](const Part& p) { return p.output < 0 ? p.number : values[static_cast<std::size_t>(p.output)]; };
  bool good = true;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = value(prior_[i]) + value(gain_[i]);
    good = good && numbers[i] > 0 && std::isfinite(numbers[i]);
  }
  return good;
}

// A plate at a time: elements of one family that follow each other.
void FamilyConditional::draw(std::span<const double> numbers, PhiloxStream& random, std::span<double> z) const {
  constexpr std::size_t kAtOnce = 64;
  double first[kAtOnce], second[kAtOnce], drawn[kAtOnce];
  for (std::size_t begin = 0; begin < elements_.size();) {
    const Element* const e = elements_.data() + begin;
    if (e->family == Family::dirichlet) {
      draw_dirichlet({numbers.data() + e->first, e->size}, random, z.data() + e->z);
      ++begin;
      continue;
    }
    std::size_t n = 0;
    for (; n < kAtOnce && begin + n < elements_.size() && e[n].family == e->family; ++n) {
      first[n] = numbers[e[n].first];
      second[n] = numbers[e[n].first + 1];
    }
    const std::span<const double> a(first, n), b(second, n);
    switch (e->family) {
      case Family::gamma:
        draw_gammas(a, random, {drawn, n});
        for (std::size_t i = 0; i < n; ++i) z[e[i].z] = drawn[i] / b[i];
        break;
      case Family::inv_gamma:  // in logarithms where the gamma draw may underflow
        for (std::size_t i = 0; i < n; ++i) z[e[i].z] = std::exp(std::log(b[i]) - draw_log_gamma(a[i], random));
        break;
      default:
        draw_betas(a, b, random, {drawn, n});
        for (std::size_t i = 0; i < n; ++i) z[e[i].z] = drawn[i];
    }
    begin += n;
  }
}

void FamilyConditional::draw_unconstrained(PhiloxStream& random, double width, std::span<double> z) const {
  const auto free = [&] { return width * (2 * random.uniform() - 1); };
  for (const Element& e : elements_) {
    double* const x = z.data() + e.z;
    switch (e.family) {
      case Family::gamma:
      case Family::inv_gamma: *x = std::exp(free()); break;
      case Family::beta: *x = inv_logit(free()); break;
      case Family::dirichlet: {  // isometric log-ratio
        double sum = 0, largest = -kInfinity, total = 0;
        std::fill(x, x + e.size, 0.0);
        for (std::uint32_t n = e.size - 1; n >= 1; --n) {
          const double w = free() / std::sqrt(static_cast<double>(n) * (n + 1));
          sum += w;
          x[n - 1] += sum;
          x[n] -= n * w;
        }
        for (std::uint32_t k = 0; k < e.size; ++k) largest = std::max(largest, x[k]);
        for (std::uint32_t k = 0; k < e.size; ++k) total += x[k] = std::exp(x[k] - largest);
        for (std::uint32_t k = 0; k < e.size; ++k) x[k] /= total;
      }
    }
  }
}

double FamilyConditional::log_density(std::span<const double> numbers, std::span<const double> z) const {
  double total = 0;
  for (const Element& e : elements_) {
    const double* const n = numbers.data() + e.first;
    const double* const x = z.data() + e.z;
    switch (e.family) {
      case Family::gamma: total += n[0] * std::log(n[1]) - log_gamma(n[0]) + (n[0] - 1) * std::log(*x) - n[1] * *x; break;
      case Family::inv_gamma: total += n[0] * std::log(n[1]) - log_gamma(n[0]) - (n[0] + 1) * std::log(*x) - n[1] / *x; break;
      case Family::beta: total += (n[0] - 1) * std::log(*x) + (n[1] - 1) * std::log1p(-*x) - log_beta(n[0], n[1]); break;
      case Family::dirichlet: {
        double sum = 0;
        for (std::uint32_t k = 0; k < e.size; ++k) {
          sum += n[k];
          total += (n[k] - 1) * std::log(x[k]) - log_gamma(n[k]);
        }
        total += log_gamma(sum);
      }
    }
  }
  return total;
}

void FamilyConditional::mean(std::span<const double> numbers, std::span<double> z) const {
  for (const Element& e : elements_) {
    const double* const n = numbers.data() + e.first;
    double* const x = z.data() + e.z;
    switch (e.family) {
      case Family::gamma: *x = n[0] / n[1]; break;
      case Family::inv_gamma: *x = n[0] > 1 ? n[1] / (n[0] - 1) : kInfinity; break;
      case Family::beta: *x = n[0] / (n[0] + n[1]); break;
      case Family::dirichlet: {
        double sum = 0;
        for (std::uint32_t k = 0; k < e.size; ++k) sum += n[k];
        for (std::uint32_t k = 0; k < e.size; ++k) x[k] = n[k] / sum;
      }
    }
  }
}

void FamilyConditional::variance(std::span<const double> numbers, std::span<double> z) const {
  for (const Element& e : elements_)
    for (std::uint32_t k = 0; k < e.size; ++k) z[e.z + k] = covariance(numbers, e.z + k, e.z + k);
}

double FamilyConditional::covariance(std::span<const double> numbers, std::size_t i, std::size_t j) const {
  const auto after =
      std::upper_bound(elements_.begin(), elements_.end(), i, [](std::size_t place, const Element& e) { return place < e.z; });
  if (after == elements_.begin()) return 0;
  const Element& e = *(after - 1);
  if (i >= e.z + e.size || j < e.z || j >= e.z + e.size) return 0;
  const double* const n = numbers.data() + e.first;
  switch (e.family) {
    case Family::gamma: return n[0] / (n[1] * n[1]);
    case Family::inv_gamma: return n[0] > 2 ? n[1] * n[1] / ((n[0] - 1) * (n[0] - 1) * (n[0] - 2)) : kInfinity;
    case Family::beta: {
      const double sum = n[0] + n[1];
      return n[0] / sum * (n[1] / sum) / (sum + 1);
    }
    case Family::dirichlet: break;
  }
  double sum = 0;
  for (std::uint32_t k = 0; k < e.size; ++k) sum += n[k];
  const double a = n[i - e.z] / sum, b = n[j - e.z] / sum;
  return (i == j ? a * (1 - a) : -a * b) / (sum + 1);
}

void FamilyConditional::excess_kurtosis(std::span<const double> numbers, std::span<double> z) const {
  const auto beta = [](double a, double b) {
    const double s = a + b;
    return 6 * ((a - b) * (a - b) * (s + 1) - a * b * (s + 2)) / (a * b * (s + 2) * (s + 3));
  };
  for (const Element& e : elements_) {
    const double* const n = numbers.data() + e.first;
    double* const x = z.data() + e.z;
    switch (e.family) {
      case Family::gamma: *x = 6 / n[0]; break;
      case Family::inv_gamma: *x = n[0] > 4 ? 6 * (5 * n[0] - 11) / ((n[0] - 3) * (n[0] - 4)) : kInfinity; break;
      case Family::beta: *x = beta(n[0], n[1]); break;
      case Family::dirichlet: {
        double sum = 0;
        for (std::uint32_t k = 0; k < e.size; ++k) sum += n[k];
        for (std::uint32_t k = 0; k < e.size; ++k) x[k] = beta(n[k], sum - n[k]);
      }
    }
  }
}

}  // namespace tenfold::hmc_marg
