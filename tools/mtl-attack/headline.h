// The sentence that answers a run: what its strongest attack does to the tasks that it attacks, and to the others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mtl-attack/summary.h"

namespace tenfold::mtl_attack {

// By task: whether the rule is after it. All, but for single (one) and protect (all that are not protected).
std::vector<bool> attacked_tasks(const Rule& rule, std::size_t tasks);

// Of one cell: the mean over images of the mean relative loss change of the attacked tasks, with its interval, and the mean of
// each other task. `cell` is the cell's entry in the result.
std::string cell_sentence(const CellOutcome& outcome, const Json& cell, const std::vector<std::string>& tasks,
                          std::uint64_t seed);

}  // namespace tenfold::mtl_attack
