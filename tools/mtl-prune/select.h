// From scores to a plan: the lowest units go until the target holds, above floors, in balance, not locked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mtl-prune/plan.h"
#include "mtl-prune/scores.h"
#include "mtl-prune/units.h"

namespace tenfold::mtl_prune {

struct Target {
  enum class Kind : std::uint8_t { params, macs, units } kind = Kind::macs;
  double value = 0.5;  // share of the dense value to keep, or units left in scope
};
Target parse_target(std::string_view text);  // "macs=0.5"; Error usage with the range
std::string to_text(const Target& target);

struct SelectOptions {
  Target target;
  std::string allocate = "global";     // global | uniform
  std::string normalize = "none";      // none | layer-mean | layer-max | per-mac
  std::string scope = "trunk";         // trunk | all | regex:NAMES
  std::string criterion = "cosprune";  // a key of ScoreTable::scores
  std::string dead = "first";          // first | paper
  std::string private_units = "keep";  // keep | taylor
  double confidence = 0;               // 0: off
  std::int64_t floor = 5;              // units of a set that stay
  std::int64_t round = 1;              // channels of a set that stay are a multiple, or all
};

struct Selection {
  Plan plan;
  std::string binding;  // what stopped it: "target macs=0.5" ...
  double reached = 0;   // share kept, or units left
  std::vector<std::string> warnings;
};

// The sets that may lose units. Throws Error usage for a scope that is none.
std::vector<bool> in_scope(const Units& units, std::string_view scope);
std::int64_t units_in_scope(const Units& units, std::string_view scope);  // locked sets are not counted

// How many units of a set can stay when `wanted` are asked for: the least number that is no less, keeps every balance and the
// rounding, and is no less than the floor.
std::int64_t allowed_keep(const Units& units, const UnitSet& set, std::int64_t wanted, std::int64_t floor, std::int64_t round);

// `shapes` at a batch of one: what params and macs are counted at. Ties: set, then index, ascending. Throws Error infeasible with
// the reasons per set and the value that can be reached.
Selection select_units(const mtl::Model& model, const Units& units, const ScoreTable& scores, const SelectOptions& options,
                       const std::vector<mtl::Shape>& shapes);

}  // namespace tenfold::mtl_prune
