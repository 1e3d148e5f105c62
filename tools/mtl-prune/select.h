// From scores to a plan: the lowest units go until the target holds, above floors, in balance, not locked.
#pragma once

#include <cstdint>
#include <functional>
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
Target parse_target(std::string_view text);  // Error usage with the range

struct SelectOptions {
  Target target;
  std::string allocate = "global";   // global | uniform
  std::string normalize = "none";    // none | layer-mean | layer-max | per-mac
  std::string scope = "trunk";       // trunk | all | regex:NAMES
  std::string criterion = "cosprune";
  std::string dead = "first";        // first | paper
  std::string private_units = "keep";  // keep | taylor
  double confidence = 0;             // 0: off
  std::int64_t floor = 5;
  std::int64_t round = 1;
};

struct Selection {
  Plan plan;
  std::string binding;               // what stopped it: "target macs=0.5" ...
  double reached = 0;                // share kept, or units left
  std::vector<std::string> warnings;
};

// Ties: set, then index, ascending. Throws Error infeasible with the reasons per set and the value that can be reached.
Selection select_units(const mtl::Model& model, const Units& units, const ScoreTable& scores, const SelectOptions& options,
                       std::int64_t height, std::int64_t width);

}  // namespace tenfold::mtl_prune
