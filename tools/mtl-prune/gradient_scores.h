// Scores from the tasks' gradients, batch by batch: cosprune, cosprune-mag, taylor, taylor-task. What they are made of (dot
// products of filter gradients, gate derivatives, both in float64) comes from the LibTorch part; here is the arithmetic.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mtl-prune/scores.h"
#include "mtl-prune/units.h"
#include "mtl/model.h"

namespace tenfold::mtl_prune {

// What one mini-batch says, by Units::dimensions. T tasks; pair p of (i, j), i <= j, in the order (0,0) (0,1) .. (0,T-1) (1,1) ..
struct BatchStatistics {
  std::vector<double> weights;  // [T]: the total loss is the weighted sum
  std::vector<double> losses;  // [T]; NaN: no valid label, the task does not count in this batch
  std::vector<std::vector<double>> dots;  // producers' weights: [size * T(T+1)/2], <G_i,f , G_j,f> of every filter f
  std::vector<std::vector<double>> weight_norm;  // producers' weights: [size], |W_f|
  std::vector<std::vector<double>> gates;  // consumers: [size * T], sum(W[:,c] * dL_i/dW[:,c])
};

inline int pair_index(int tasks, int i, int j) { return i * tasks - i * (i - 1) / 2 + (j - i); }  // i <= j

// Which dimensions are filters of convolutions and linear layers (biases are in no score), and which tasks each reaches: a bit
// each; of a parameter that several nodes use the union.
std::vector<bool> filter_dimensions(const mtl::Model& model, const Units& units);
std::vector<std::uint64_t> dimension_reaches(const mtl::Model& model, const Units& units, const std::vector<int>& output_of_task);

// Mean and standard error of one number over mini-batches, each counted where it is there.
struct RunningMean {
  double sum = 0, squares = 0;
  std::int64_t count = 0;

  void add(double value);
  double mean() const { return count ? sum / static_cast<double>(count) : 0; }
  double standard_error() const;  // 0 below two values
};

class GradientScores {
 public:
  GradientScores(const mtl::Model& model, const Units& units, const std::vector<int>& output_of_task, Couple couple);

  void add(const BatchStatistics& batch);
  // Non-zero values that consumers saw of each channel, and how many values those were: counts by unit, [set][unit].
  void saw(UnitRef unit, double nonzero, double values);

  // The scores "cosprune", "cosprune-mag", "taylor", "taylor-task:max|mean|min", gradient norms, pair cosines, apoz, dead.
  void fill(ScoreTable& table) const;
  std::int64_t batches() const { return batches_; }

  std::vector<double> state() const;  // everything added so far
  void restore(const std::vector<double>& state);

 private:
  struct Filter {
    int dimension = 0;
    std::int64_t index = 0;
    std::uint64_t reaches = 0;
  };
  struct UnitSums {
    RunningMean cosprune, magnitude, taylor, task_max, task_mean, task_min;
    std::vector<RunningMean> norm, cosine;  // by task, by pair i < j
    double nonzero = 0, values = 0;
    bool any_gradient = false;
  };

  void add_cosines(const BatchStatistics& batch, const std::vector<Filter>& filters, UnitSums& sums);
  void add_gates(const BatchStatistics& batch, const Unit& unit, UnitSums& sums);
  UnitSums& at(std::size_t set, std::size_t unit) { return sums_[set][unit]; }
  // Of one filter, or of several put end to end: dots by pair, weight norm.
  struct Pooled {
    std::vector<double> dots;
    double weight_norm = 0;
    std::uint64_t reaches = 0;
  };
  std::vector<Pooled> pooled(const BatchStatistics& batch, const std::vector<Filter>& filters) const;
  template <class Visit>
  static void visit(const UnitSums& sums, const Visit& visit_number);

  const Units& units_;
  Couple couple_;
  int tasks_;
  std::vector<std::vector<std::vector<Filter>>> filters_;  // [set][unit]
  std::vector<std::uint64_t> unit_reaches_;
  std::vector<std::vector<UnitSums>> sums_;  // [set][unit]
  std::int64_t batches_ = 0;
};

}  // namespace tenfold::mtl_prune
