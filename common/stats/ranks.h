// Order and rank-normal scores of a sample, with ties sharing the average rank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tenfold::stats {

// A value and where it stood.
struct Ordered {
  double value;
  std::uint32_t index;
};

// The finite values in ascending order, equal ones by index (-0 counts as 0): a radix sort, linear in n.
std::vector<Ordered> ordered(std::span<const double> values);

// |value - center| in ascending order, by one merge of what lies below and above the center.
std::vector<Ordered> folded(std::span<const Ordered> sorted, double center);

// Blom's scores (1958) z = Phi^-1((r - 3/8) / (n + 1/4)) of average ranks r = 1 .. n; the scores of a given n are computed
// once for many samples.
class NormalScores {
 public:
  explicit NormalScores(std::size_t n);
  // out[sorted[i].index] = score of sorted[i]; sorted has n values in ascending order.
  void operator()(std::span<const Ordered> sorted, std::span<double> out) const;

 private:
  double score(double rank) const;
  std::vector<double> by_rank_;
};

}  // namespace tenfold::stats
