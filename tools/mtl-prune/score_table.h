// Scores as a table: scores.csv, and how far two criteria rank units alike.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/json.h"
#include "mtl-prune/scores.h"
#include "mtl-prune/units.h"

namespace tenfold::mtl_prune {

// A line a unit: set, unit, producer, locked, a score and its standard error per criterion (empty where the unit is not ranked),
// and where gradients were taken the norm per task, the cosine per pair of tasks, the share of non-zero values read, dead.
std::string scores_csv(const Units& units, const ScoreTable& scores, const std::vector<std::string>& tasks);

// Spearman's rank correlation, ties sharing their mean rank; NaN where one of them does not vary.
double spearman(std::span<const double> a, std::span<const double> b);

// [{"a", "b", "spearman", "n"}] for each pair of criteria, over the units in scope that both rank.
Json rank_correlations(const Units& units, const ScoreTable& scores, const std::vector<std::string>& criteria,
                       const std::string& scope);

}  // namespace tenfold::mtl_prune
