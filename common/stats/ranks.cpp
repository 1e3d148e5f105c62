// Order and rank-normal scores of a sample.
#include "stats/ranks.h"

#include <array>
#include <bit>
#include <cmath>

#include "stats/distributions.h"

namespace tenfold::stats {

namespace {

constexpr int digit_bits = 11;
constexpr std::size_t digit_values = std::size_t{1} << digit_bits;
constexpr int digits = 6;  // 66 bits hold 64

struct Keyed {
  std::uint64_t key;
  std::uint32_t index;
};

// Integers that sort as the doubles do: negative ones have all bits turned, positive ones the sign.
std::uint64_t key_of(double value) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value + 0.0);
  return (bits >> 63) != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}

double value_of(std::uint64_t key) { return std::bit_cast<double>((key >> 63) != 0 ? key & ~(std::uint64_t{1} << 63) : ~key); }

}  // namespace

std::vector<Ordered> ordered(std::span<const double> values) {
  const std::size_t n = values.size();
  std::vector<Keyed> from(n), to(n);
  std::vector<std::array<std::uint32_t, digit_values>> counts(digits);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t key = key_of(values[i]);
    from[i] = {key, static_cast<std::uint32_t>(i)};
    for (int d = 0; d < digits; ++d) ++counts[d][(key >> (d * digit_bits)) & (digit_values - 1)];
  }
  for (int d = 0; d < digits; ++d) {
    std::array<std::uint32_t, digit_values>& count = counts[d];
    const int shift = d * digit_bits;
    const bool all_equal = n > 0 && count[(from[0].key >> shift) & (digit_values - 1)] == n;
    if (all_equal) continue;
    std::uint32_t begin = 0;
    for (std::uint32_t& c : count) {
      const std::uint32_t here = c;
      c = begin;
      begin += here;
    }
    for (const Keyed& one : from) to[count[(one.key >> shift) & (digit_values - 1)]++] = one;
    from.swap(to);
  }
  std::vector<Ordered> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = {value_of(from[i].key), from[i].index};
  return out;
}

std::vector<Ordered> folded(std::span<const Ordered> sorted, double center) {
  std::vector<Ordered> out;
  out.reserve(sorted.size());
  std::size_t above = 0;
  while (above < sorted.size() && sorted[above].value < center) ++above;
  std::size_t below = above;  // one beyond the next one below
  while (below > 0 || above < sorted.size()) {
    const double left = below > 0 ? center - sorted[below - 1].value : 0;
    const double right = above < sorted.size() ? sorted[above].value - center : 0;
    const bool take_left = above == sorted.size() || (below > 0 && left < right);
    if (take_left) {
      out.push_back({left, sorted[--below].index});
    } else {
      out.push_back({right, sorted[above++].index});
    }
  }
  return out;
}

NormalScores::NormalScores(std::size_t n) : by_rank_(n) {
  for (std::size_t i = 0; i < (n + 1) / 2; ++i) {
    by_rank_[i] = score(static_cast<double>(i + 1));
    by_rank_[n - 1 - i] = -by_rank_[i];
  }
}

double NormalScores::score(double rank) const {
  return normal_quantile((rank - 0.375) / (static_cast<double>(by_rank_.size()) + 0.25));
}

void NormalScores::operator()(std::span<const Ordered> sorted, std::span<double> out) const {
  for (std::size_t first = 0; first < sorted.size();) {
    std::size_t end = first + 1;
    while (end < sorted.size() && sorted[end].value == sorted[first].value) ++end;
    // Ranks first+1 .. end share their average, which is whole for an odd number of them.
    const bool whole = (end - first) % 2 == 1;
    const double z = whole ? by_rank_[(first + end - 1) / 2] : score(0.5 * static_cast<double>(first + 1 + end));
    for (; first < end; ++first) out[sorted[first].index] = z;
  }
}

}  // namespace tenfold::stats
