// Intervals for a mean and for the difference of paired measurements, by Student's t (Student 1908; no resampling).
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace tenfold::stats {

struct Interval {
  double low = 0;
  double high = 0;
  bool contains(double value) const { return low <= value && value <= high; }
};

struct MeanInterval {
  std::size_t n = 0;
  double mean = 0;
  double sd = 0;
  Interval interval;  // mean -+ t_{n-1, (1+level)/2} sd / sqrt(n); infinite for n = 1
};

// n >= 1 (throws Error input), 0 < level < 1 (Error usage).
MeanInterval mean_interval(std::span<const double> values, double level = 0.95);

// a against b, measured in pairs (the same input, the same seed, the same round).
struct PairedComparison {
  std::size_t n = 0;
  double difference = 0;  // mean of a - b
  Interval interval;      // of that mean
  double p_value = 1;     // two-sided t test of no difference; 1 where nothing varies and nothing differs
  bool shown = false;     // the interval does not hold zero

  // "a is larger than b by 0.52 (95 % interval 0.31 to 0.73, n = 12)", or "no difference shown between a and b (...)".
  std::string verdict(const std::string& a, const std::string& b) const;
  double level = 0.95;
};

// Spans of one length >= 1; throws Error input otherwise.
PairedComparison compare_paired(std::span<const double> a, std::span<const double> b, double level = 0.95);

// The ratio a/b of positive measurements through their logarithms; `ratio` is the geometric mean of a_i / b_i.
struct PairedRatio {
  std::size_t n = 0;
  double ratio = 1;
  Interval interval;
  bool shown = false;  // the interval does not hold one
  double level = 0.95;
  std::string verdict(const std::string& a, const std::string& b) const;
};

PairedRatio compare_ratio(std::span<const double> a, std::span<const double> b, double level = 0.95);

}  // namespace tenfold::stats
