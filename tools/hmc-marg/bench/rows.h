// Rows of bench-hmc-marg: what is measured, against whom, and how.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tenfold::hmc_marg::bench {

// One JSON line. Costs are CPU time a call of the calling thread; ratio = ours / peer, with the 95 % interval of its mean over
// interleaved rounds. limit_share: the machine's limit for this work divided by ours (1: nothing left to gain).
struct Row {
  std::string name;
  std::string unit;  // of ours and peer
  double ours = 0;   // median over the rounds
  std::optional<double> peer;
  std::string peer_name;
  std::optional<double> ratio, low, high;
  std::optional<double> limit_share;
};

// CPU nanoseconds a call of each function: rounds of `calls` calls, the functions by turns.
std::vector<std::vector<double>> time_interleaved(std::span<const std::function<void(int calls)>> functions, int calls,
                                                  int rounds);
double median(std::vector<double> x);

// A row of two functions timed by turns.
Row compare(const std::string& name, const std::function<void(int)>& ours, const std::function<void(int)>& peer,
            const std::string& peer_name, int calls, int rounds);

// Nanoseconds a scalar of the vector logarithm, in the first cache: what a density with n logarithms cannot go below.
double vector_log_ns();

Row eight_schools_gradient();
Row regression_gradient();
Row lowering_time();
Row hierarchical_normal_gradient();

}  // namespace tenfold::hmc_marg::bench
