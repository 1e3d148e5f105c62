// Grouping, the choice between histogram and differences by counts of operations, evaluation.
#include "hmc-marg/gamma_ratio_factor.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/kernels.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg {

namespace {

// Nanoseconds predicted: a bin is a lane of some products, a short difference a logarithm and a division a step, a long one some
// logarithms and two series.
constexpr double kBin = 0.6, kShort = 10, kStep = 2, kLong = 60;
constexpr double kMostBins = 4096;
constexpr double kLn2 = 0.69314718055994530942;
constexpr std::size_t kBlock = 32;

bool count(double y) { return y >= 0 && y == std::floor(y) && y <= kMostBins; }
double cost(double y) { return y <= 16 ? kShort + kStep * y : kLong; }

}  // namespace

GammaRatioFactor::GammaRatioFactor(std::vector<GammaRatio> terms)
    : rising_powers_(kernels(best_instruction_set()).rising_powers) {
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
    std::vector<Difference> counted[2], other;  // counts of weights > 0 and < 0, by rising y
    for (; i < terms.size() && key(terms[i].a) == key(a); ++i) {
      const Quantity& y = terms[i].y;
      if (y.slot == 0 && y.number == 0) continue;
      if (a.slot == 0 && y.slot == 0) {
        constant_ += terms[i].weight * lgamma_diff(a.number, y.number);
        continue;
      }
      const double weight = terms[i].weight;
      const bool binned = y.slot == 0 && count(y.number) && weight == std::floor(weight);
      std::vector<Difference>& list = binned ? counted[weight < 0] : other;
      Difference d{weight, y.slot == 0 ? y.number : 0, input(y.slot)};
      if (!list.empty() && list.back().y == d.y && list.back().y_input == d.y_input) {
        list.back().weight += d.weight;
      } else {
        list.push_back(d);
      }
    }
    if (counted[0].empty() && counted[1].empty() && other.empty()) continue;
    group.input = input(a.slot);
    group.a = a.number;
    for (std::vector<Difference>& list : counted) {
      if (list.empty()) continue;
      double apart = 0;
      for (const Difference& d : list) apart += cost(d.y);
      if (kBin * list.back().y <= apart) {
        add_bins(group, list);
        groups_.push_back(group);
      } else {
        other.insert(other.end(), list.begin(), list.end());
      }
    }
    if (other.empty()) continue;
    group.blocks = 0;
    group.first_difference = static_cast<std::uint32_t>(differences_.size());
    group.differences = static_cast<std::uint32_t>(other.size());
    differences_.insert(differences_.end(), other.begin(), other.end());
    groups_.push_back(group);
  }
}

// counts: of one sign, by rising y.
void GammaRatioFactor::add_bins(Group& group, std::span<const Difference> counts) {
  group.sign = counts.front().weight < 0 ? -1 : 1;
  group.first_block = static_cast<std::uint32_t>(most_.size());
  const std::size_t first = height_.size();
  double above = 0;  // weight of y that are larger
  for (const Difference& d : counts) above += std::fabs(d.weight);
  for (const Difference& d : counts) {
    height_.resize(first + static_cast<std::size_t>(d.y), above);
    above -= std::fabs(d.weight);
  }
  height_.resize((height_.size() + kBlock - 1) / kBlock * kBlock, 0.0);
  for (std::size_t j = first; j < height_.size(); ++j)
    drop_.push_back(height_[j] - (j + kBlock < height_.size() ? height_[j + kBlock] : 0));
  for (std::size_t j = first; j < height_.size(); j += kBlock) {
    const auto at = drop_.begin() + static_cast<std::ptrdiff_t>(j);
    most_.push_back(static_cast<std::uint8_t>(std::min(255.0, *std::max_element(at, at + kBlock))));
  }
  group.blocks = static_cast<std::uint32_t>(most_.size()) - group.first_block;
}

RisingPowers GammaRatioFactor::powers(const Group& group, double a) const {
  RisingPowers out;
  const double* const height = height_.data() + kBlock * group.first_block;
  if (a >= kLeastRising && a <= kLargestRising) {
    rising_powers_({group.blocks, height, drop_.data() + kBlock * group.first_block, most_.data() + group.first_block}, a, out);
    return out;
  }
  for (std::size_t j = 0; j < kBlock * group.blocks && height[j] != 0; ++j) {  // beyond what products of four hold
    out.logs += height[j] * std::log(a + static_cast<double>(j));
    out.slope += height[j] / (a + static_cast<double>(j));
  }
  return out;
}

double GammaRatioFactor::predicted_ns() const {
  double ns = kBin * static_cast<double>(height_.size());
  for (const Difference& d : differences_) ns += d.y_input < 0 && count(d.y) ? cost(d.y) : kLong;
  return ns;
}

std::shared_ptr<const CustomFactor> GammaRatioFactor::bound(std::span<const std::uint32_t> places) const {
  auto copy = std::make_shared<GammaRatioFactor>(*this);
  copy->places_.assign(places.begin(), places.end());
  return copy;
}

double GammaRatioFactor::evaluate(const double* values, double* adjoints, double*) const {
  double total = constant_, mantissa = 1, exponent = 0;
  for (const Group& group : groups_) {
    const double a = group.input < 0 ? group.a : values[places_[static_cast<std::size_t>(group.input)]];
    if (!(a > 0) || !std::isfinite(a)) return kNaN;
    double slope = 0;
    if (group.blocks > 0) {
      const RisingPowers p = powers(group, a);
      mantissa = group.sign > 0 ? mantissa * p.mantissa : mantissa / p.mantissa;
      exponent += group.sign * p.exponent;
      total += group.sign * p.logs;
      slope = group.sign * p.slope;
      if (!(mantissa > 0x1p-900 && mantissa < 0x1p900)) total += std::log(std::exchange(mantissa, 1.0));
    }
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
  return total + (std::log(mantissa) + exponent * kLn2);
}

}  // namespace tenfold::hmc_marg
