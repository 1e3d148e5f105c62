// The order in which units go, over all sets: dead ones, then by normalised score, ties by set and index.
#pragma once

#include <string>
#include <vector>

#include "mtl-prune/footprint.h"
#include "mtl-prune/scores.h"
#include "mtl-prune/select.h"
#include "mtl-prune/units.h"

namespace tenfold::mtl_prune {

struct Ranking {
  std::vector<UnitRef> order;  // of what may go at all, first to go first
  std::vector<std::string> held;  // by set: why some of its units may not go, "" where all may
  std::vector<std::string> warnings;
};

Ranking rank_units(const Units& units, const ScoreTable& scores, const SelectOptions& options, Footprint& footprint);

}  // namespace tenfold::mtl_prune
