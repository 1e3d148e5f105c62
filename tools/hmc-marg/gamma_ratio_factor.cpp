// Grouping, the choice between histogram and differences by counts of operations, evaluation.
#include "hmc-marg/gamma_ratio_factor.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/kernels.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg {

namespace {

// Nanoseconds predicted: a bin is a lane of a logarithm and a division, a long difference some logarithms and two series.
constexpr double kBin = 2, kLong = 40;
constexpr double kMostBins = 4096;

bool count(double y) { return y >= 0 && y == std::floor(y) && y <= kMostBins; }
double cost(double y) { return count(y) && y <= 16 ? kBin * y : kLong; }

}  // namespace

GammaRatioFactor::GammaRatioFactor(std::vector<GammaRatio> terms) : histogram_(kernels(best_instruction_set()).log_histogram) {
  std::map<Slot, std::int32_t> input_of;
  const auto input = [&](Slot slot) {
    if (slot == 0) return std::int32_t{-1};
    const auto [at, is_new] = input_of.try_emplace(slot, static_cast<std::int32_t>(inputs_.size()));
    if (is_new) inputs_.push_back(slot);
    return at->second;
  };
  const auto key = [](const Quantity& q) { return std::make_pair(q.slot, q.slot == 0 ? q.number : 0.0); };
  std::stable_sort(terms.begin(), terms.end(), [&](const GammaRatio& l, const GammaRatio& r) {
    return std::make_pair(key(l.a), key(l.y)) < std::make_pair(key(r.a), key(r.y));
  });
  for (std::size_t i = 0; i < terms.size();) {
    Group group;
    const Quantity a = terms[i].a;
    std::vector<Difference> known_y, other;
    for (; i < terms.size() && key(terms[i].a) == key(a); ++i) {
      const Quantity& y = terms[i].y;
      if (y.slot == 0 && y.number == 0) continue;
      if (a.slot == 0 && y.slot == 0) {
        constant_ += terms[i].weight * lgamma_diff(a.number, y.number);
        continue;
      }
      std::vector<Difference>& list = y.slot == 0 && count(y.number) ? known_y : other;
      Difference d{terms[i].weight, y.slot == 0 ? y.number : 0, input(y.slot)};
      if (!list.empty() && list.back().y == d.y && list.back().y_input == d.y_input) {
        list.back().weight += d.weight;
      } else {
        list.push_back(d);
      }
    }
    if (known_y.empty() && other.empty()) continue;
    group.input = input(a.slot);
    group.a = a.number;
    group.first_bin = static_cast<std::uint32_t>(weights_.size());
    group.first_difference = static_cast<std::uint32_t>(differences_.size());
    double apart = 0;
    for (const Difference& d : known_y) apart += cost(d.y);
    if (!known_y.empty() && kBin * known_y.back().y <= apart) {
      double weight = 0;  // of y that are larger
      for (const Difference& d : known_y) weight += d.weight;
      for (const Difference& d : known_y) {
        weights_.resize(group.first_bin + static_cast<std::size_t>(d.y), weight);
        weight -= d.weight;
      }
      weights_.resize((weights_.size() + 7) / 8 * 8, 0.0);
    } else {
      other.insert(other.end(), known_y.begin(), known_y.end());
    }
    differences_.insert(differences_.end(), other.begin(), other.end());
    group.bins = static_cast<std::uint32_t>(weights_.size()) - group.first_bin;
    group.differences = static_cast<std::uint32_t>(differences_.size()) - group.first_difference;
    groups_.push_back(group);
  }
}

std::shared_ptr<const CustomFactor> GammaRatioFactor::bound(std::span<const std::uint32_t> places) const {
  auto copy = std::make_shared<GammaRatioFactor>(*this);
  copy->places_.assign(places.begin(), places.end());
  return copy;
}

double GammaRatioFactor::evaluate(const double* values, double* adjoints, double*) const {
  double total = constant_;
  for (const Group& group : groups_) {
    const double a = group.input < 0 ? group.a : values[places_[static_cast<std::size_t>(group.input)]];
    if (!(a > 0) || !std::isfinite(a)) return kNaN;
    double slope = 0;
    if (group.bins > 0) total += histogram_(weights_.data() + group.first_bin, group.bins, a, &slope);
    for (std::uint32_t i = group.first_difference; i < group.first_difference + group.differences; ++i) {
      const Difference& d = differences_[i];
      const double y = d.y_input < 0 ? d.y : values[places_[static_cast<std::size_t>(d.y_input)]];
      if (!(y >= 0) || !std::isfinite(y)) return kNaN;
      total += d.weight * lgamma_diff(a, y);
      if (adjoints == nullptr) continue;
      slope += d.weight * digamma_diff(a, y);
      if (d.y_input >= 0) adjoints[places_[static_cast<std::size_t>(d.y_input)]] += d.weight * digamma(a + y);
    }
    if (adjoints != nullptr && group.input >= 0) adjoints[places_[static_cast<std::size_t>(group.input)]] += slope;
  }
  return total;
}

}  // namespace tenfold::hmc_marg
