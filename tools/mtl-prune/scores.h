// Scores of every unit by every criterion asked for, and what is needed to rank by them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mtl-prune/units.h"

namespace tenfold::mtl_prune {

enum class Couple : std::uint8_t { mean, sum, max, min, joint, first };

struct UnitScore {
  double value = 0;
  double standard_error = 0;  // over mini-batches; 0 for criteria of weights alone
  bool ranked = true;         // false: no conflict to measure (one task), --private keep
};

struct ScoreTable {
  // by criterion name ("cosprune", "taylor", "taylor-task:max", "l1" ...): [set][unit]
  std::map<std::string, std::vector<std::vector<UnitScore>>> scores;
  std::vector<std::vector<std::vector<double>>> gradient_norm;  // [set][unit][task]; empty for criteria of weights alone
  std::vector<std::vector<std::vector<double>>> pair_cosine;    // [set][unit][pair (0,1),(0,2),(1,2)...]
  std::vector<std::vector<double>> apoz;                        // [set][unit] share of non-zero values consumers saw
  std::vector<std::vector<std::uint8_t>> dead;                  // [set][unit]
  std::int64_t batches = 0, batches_skipped = 0;
  std::int64_t forward_passes = 0, backward_passes = 0;
  std::vector<std::int64_t> task_absent;                        // batches without a valid label
};

// l1, l2, bn, random: from the weights. Throws Error usage for bn on a unit without a norm behind it.
std::vector<std::vector<UnitScore>> weight_scores(const std::string& criterion, const mtl::Model& model, const Units& units,
                                                  Couple couple, std::uint64_t seed);

}  // namespace tenfold::mtl_prune
