#include "mtl-prune/ranking.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "stats/distributions.h"
#include "stats/quantile.h"

namespace tenfold::mtl_prune {
namespace {

struct Candidate {
  UnitRef unit;
  bool alive = true;  // dead ones go first
  double score = 0;   // normalised
  double upper = 0;   // upper confidence bound of the score as it was measured
};

const UnitScore& score_of(const SetScores& scores, const UnitRef& unit) {
  return scores[static_cast<std::size_t>(unit.set)][static_cast<std::size_t>(unit.unit)];
}

// cosprune lies in [-1, 1]: it is mapped to [0, 1] before anything is divided by it.
double divisible(const std::string& criterion, double score) { return criterion == "cosprune" ? (1 + score) / 2 : score; }

void normalise(std::vector<Candidate>& candidates, const Units& units, const SelectOptions& options, Footprint& footprint) {
  if (options.normalize == "none") return;
  for (Candidate& c : candidates) c.score = divisible(options.criterion, c.score);
  if (options.normalize == "per-mac") {
    for (Candidate& c : candidates) {
      const Unit& unit = units.sets[static_cast<std::size_t>(c.unit.set)].units[static_cast<std::size_t>(c.unit.unit)];
      const double before = footprint.macs();
      footprint.remove(unit);
      const double saved = before - footprint.macs();
      footprint.put_back(unit);
      c.score = saved > 0 ? c.score / saved : c.score;
    }
    return;
  }
  std::vector<double> sum(units.sets.size(), 0), most(units.sets.size(), 0), count(units.sets.size(), 0);
  for (const Candidate& c : candidates) {
    const auto s = static_cast<std::size_t>(c.unit.set);
    sum[s] += c.score;
    count[s] += 1;
    most[s] = std::max(most[s], c.score);
  }
  for (Candidate& c : candidates) {
    const auto s = static_cast<std::size_t>(c.unit.set);
    const double by = options.normalize == "layer-mean" ? sum[s] / count[s] : most[s];
    if (by > 0) c.score /= by;
  }
}

void sort_candidates(std::vector<Candidate>& candidates) {
  std::ranges::sort(candidates, {}, [](const Candidate& c) { return std::tuple(c.alive, c.score, c.unit.set, c.unit.unit); });
}

// Both lists in their own order, each spread evenly over the whole.
std::vector<UnitRef> interleave(const std::vector<Candidate>& a, const std::vector<Candidate>& b) {
  std::vector<UnitRef> order;
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    const double at_a = (static_cast<double>(i) + 0.5) / static_cast<double>(a.size());
    const double at_b = (static_cast<double>(j) + 0.5) / static_cast<double>(b.size());
    order.push_back(j == b.size() || (i < a.size() && at_a <= at_b) ? a[i++].unit : b[j++].unit);
  }
  return order;
}

// Of each cover the unit that would go last is kept from going.
std::vector<UnitRef> without_last_of_covers(const std::vector<UnitRef>& order, const Units& units) {
  std::vector<std::vector<std::size_t>> position(units.sets.size());
  for (std::size_t s = 0; s < units.sets.size(); ++s) position[s].assign(units.sets[s].units.size(), order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    position[static_cast<std::size_t>(order[i].set)][static_cast<std::size_t>(order[i].unit)] = i;
  std::vector<bool> stays(order.size(), false);
  for (std::size_t s = 0; s < units.sets.size(); ++s) {
    for (const std::vector<int>& cover : units.sets[s].covers) {
      std::size_t last = 0;
      for (const int u : cover) last = std::max(last, position[s][static_cast<std::size_t>(u)]);
      if (last < order.size()) stays[last] = true;
    }
  }
  std::vector<UnitRef> left;
  for (std::size_t i = 0; i < order.size(); ++i)
    if (!stays[i]) left.push_back(order[i]);
  return left;
}

}  // namespace

Ranking rank_units(const Units& units, const ScoreTable& table, const SelectOptions& options, Footprint& footprint) {
  const SetScores& scores = table.scores.at(options.criterion);
  const std::vector<bool> scope = in_scope(units, options.scope);
  Ranking ranking;
  ranking.held.resize(units.sets.size());
  std::vector<Candidate> conflict, alone;
  for (const UnitSet& set : units.sets) {
    const auto s = static_cast<std::size_t>(set.id);
    if (!scope[s]) continue;
    if (!set.why.empty()) ranking.held[s] = "locked by " + set.why;
    for (int u = 0; u < static_cast<int>(set.units.size()); ++u) {
      if (set.units[static_cast<std::size_t>(u)].locked) continue;
      const UnitScore& score = score_of(scores, {set.id, u});
      if (std::isnan(score.value))
        usage_error("--criterion " + options.criterion + ": no norm with a scale stands behind " +
                    parameters(units, set, Role::producer).front() + "; take l1, or leave its set out by --scope regex:NAMES");
      Candidate candidate{{set.id, u}, true, score.value, score.value};
      if (options.dead == "first" && !table.dead.empty()) candidate.alive = table.dead[s][static_cast<std::size_t>(u)] == 0;
      if (options.confidence > 0 && table.batches > 1)
        candidate.upper +=
            score.standard_error * stats::student_t_quantile(options.confidence, static_cast<double>(table.batches - 1));
      if (score.ranked) {
        conflict.push_back(candidate);
      } else if (options.private_units == "taylor") {
        candidate.score = candidate.upper = score_of(table.scores.at("taylor"), candidate.unit).value;
        alone.push_back(candidate);
      } else {
        ranking.held[s] = "one task alone reaches it (--private taylor ranks such units)";
      }
    }
  }
  if (options.confidence > 0 && !conflict.empty()) {
    std::vector<double> values;
    for (const Candidate& c : conflict) values.push_back(c.score);
    const double middle = stats::median(values);
    const auto unsure = std::ranges::remove_if(conflict, [&](const Candidate& c) { return c.alive && c.upper >= middle; });
    const std::size_t dropped = unsure.size();
    conflict.erase(unsure.begin(), unsure.end());
    ranking.warnings.push_back("--confidence " + std::to_string(options.confidence) + ": " + std::to_string(dropped) + " of " +
                               std::to_string(values.size()) + " units are not surely below the median score, and stay");
  }
  normalise(conflict, units, options, footprint);
  sort_candidates(conflict);
  sort_candidates(alone);
  ranking.order = without_last_of_covers(interleave(conflict, alone), units);
  return ranking;
}

}  // namespace tenfold::mtl_prune
