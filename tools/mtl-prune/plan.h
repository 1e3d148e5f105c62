// Which units stay, as a file: plan.json (the specification's section 3). The same plan on the same source gives the same bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "data/json.h"
#include "mtl-prune/units.h"

namespace tenfold::mtl_prune {

struct KeptSet {
  int id = 0;
  std::vector<std::string> producers;
  std::int64_t size = 0;           // units before
  std::vector<std::int64_t> keep;  // unit indices, ascending
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
// Throw Error input `FILE:LINE:COL: ...`.
Plan read_plan(const std::filesystem::path& path);
Plan parse_plan(std::string_view json, const std::string& file);
std::string plan_sha256(const Plan& plan);  // of its sets and their keep lists, and of the source

}  // namespace tenfold::mtl_prune
