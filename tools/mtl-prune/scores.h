// Scores of every unit by every criterion asked for, and what is needed to rank by them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mtl-prune/units.h"
#include "mtl/dataset.h"

namespace tenfold::mtl_prune {

// How a unit of several filters gets one score: of the filters' scores, or (joint) of the filters put end to end; first: the
// mean over the filters of the first producer alone.
enum class Couple : std::uint8_t { mean, sum, max, min, joint, first };
Couple parse_couple(std::string_view text);  // Error usage, with the nearest

struct UnitScore {
  double value = 0;
  double standard_error = 0;  // over mini-batches; 0 for criteria of weights alone
  bool ranked = true;         // false: no conflict to measure (one task), --private keep
};

using SetScores = std::vector<std::vector<UnitScore>>;  // [set][unit]

struct ScoreTable {
  std::map<std::string, SetScores> scores;  // by criterion name ("cosprune", "taylor", "taylor-task:max", "l1" ...)
  std::vector<std::vector<std::vector<double>>> gradient_norm;  // [set][unit][task]; empty for criteria of weights alone
  std::vector<std::vector<std::vector<double>>> pair_cosine;    // [set][unit][pair (0,1),(0,2),(1,2)...]
  std::vector<std::vector<double>> apoz;                        // [set][unit] share of non-zero values consumers saw
  std::vector<std::vector<std::uint8_t>> dead;                  // [set][unit]
  std::int64_t batches = 0, batches_skipped = 0;
  std::int64_t forward_passes = 0, backward_passes = 0;
  std::vector<std::int64_t> task_absent;  // batches without a valid label
  std::vector<mtl::Fault> faults;         // items that could not be read, and batches whose loss is not finite
};

// Criteria that need no data: l1 (sum |w|), l2 (sum w^2), bn (|gamma| of the norms behind), random.
bool is_weight_criterion(std::string_view criterion);
// All criteria; taylor-task alone stands for taylor-task:max.
const std::vector<std::string>& criteria();
// The name as it stands in tables. Throws Error usage with the nearest for a name that is none.
std::string check_criterion(std::string_view criterion);

// l1, l2, bn, random: from the weights. A unit without a norm behind it has the bn score NaN, and selection refuses it there.
SetScores weight_scores(const std::string& criterion, const mtl::Model& model, const Units& units, Couple couple,
                        std::uint64_t seed);

// One score from a unit's filters, by the rule (joint is the caller's business: there it is one filter).
double coupled(const std::vector<double>& filters, Couple couple);

}  // namespace tenfold::mtl_prune
