// What interleaved timings say: least, median, and the ratio of two medians with a bootstrap interval.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/json.h"
#include "stats/interval.h"

namespace tenfold::mtl_prune {

struct Timings {
  std::vector<double> wall_s;  // run by run
  double cpu_s = 0;            // mean of a run, all threads
};

struct SpeedRatio {
  double ratio = 1;  // median of a's runs over that of b's: how many times b is faster
  stats::Interval interval;
  bool shown = false;  // the interval does not hold 1
};

// Runs i of both were made one after the other: pairs are drawn with replacement, 2000 times, keyed by seed; the interval is
// the middle 95 % of the ratios of medians.
SpeedRatio compare_speed(std::span<const double> a, std::span<const double> b, std::uint64_t seed);

std::string verdict(const SpeedRatio& ratio);  // "1.84 times faster", "1.2 times slower", "no difference shown"

// {"min_s", "median_s", "cpu_s", "n"}
Json to_json(const Timings& timings);

}  // namespace tenfold::mtl_prune
