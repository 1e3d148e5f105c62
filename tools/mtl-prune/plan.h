// Which units stay, as a file: plan.json (the specification's section 3). The same plan on the same source gives the same bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/json.h"
#include "mtl-prune/units.h"

namespace tenfold::mtl_prune {

struct KeptSet {
  int id = 0;
  std::vector<std::string> producers;
  std::int64_t size = 0;              // units before
  std::vector<std::int64_t> keep;     // unit indices, ascending
  double score_min = 0, score_max = 0;
  bool locked = false;
};

struct AttributePatch {
  std::string node, attribute;
  std::vector<std::int64_t> from, to;
};

struct Plan {
  std::string source_weights_sha256;
  std::string criterion;
  std::vector<KeptSet> sets;
  std::vector<AttributePatch> patches;
};

Plan keep_everything(const mtl::Model& model, const Units& units);
Json to_json(const Plan& plan);
Plan read_plan(const std::filesystem::path& path);  // Error input with line and column
std::string plan_sha256(const Plan& plan);

}  // namespace tenfold::mtl_prune
