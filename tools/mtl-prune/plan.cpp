// plan.json, written and read.
#include "mtl-prune/plan.h"

#include <numeric>

#include "base/files.h"
#include "base/sha256.h"
#include "data/json_reader.h"
#include "mtl/strict_json.h"

namespace tenfold::mtl_prune {
namespace {

using data::JsonValue;
using mtl::StrictJson;

const std::vector<JsonValue>& list(const StrictJson& json, const JsonValue& object, std::string_view key) {
  const JsonValue& value = json.member(object, "the plan", key);
  if (!value.is_array()) json.fail(value, std::string(key) + " is to be a list");
  return value.array();
}

std::vector<std::int64_t> integers(const StrictJson& json, const std::vector<JsonValue>& values, std::string_view what) {
  std::vector<std::int64_t> numbers;
  for (const JsonValue& value : values) numbers.push_back(json.integer(value, what));
  return numbers;
}

KeptSet read_set(const StrictJson& json, const JsonValue& value) {
  json.object(value, "a set", {"id", "producers", "size", "keep", "score_min", "score_max", "locked"});
  const auto at = [&](std::string_view key) -> const JsonValue& { return json.member(value, "a set", key); };
  KeptSet set;
  set.id = static_cast<int>(json.integer(at("id"), "id"));
  for (const JsonValue& name : list(json, value, "producers")) set.producers.push_back(json.text(name, "a producer"));
  set.size = json.integer(at("size"), "size");
  const std::vector<JsonValue>& keep = list(json, value, "keep");
  set.keep = integers(json, keep, "keep");
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (set.keep[i] < 0 || set.keep[i] >= set.size || (i > 0 && set.keep[i] <= set.keep[i - 1]))
      json.fail(keep[i], "keep is to be ascending unit indices below " + std::to_string(set.size));
  }
  set.score_min = json.number(at("score_min"), "score_min");
  set.score_max = json.number(at("score_max"), "score_max");
  set.locked = at("locked").boolean;
  return set;
}

AttributePatch read_patch(const StrictJson& json, const JsonValue& value) {
  json.object(value, "a patch", {"node", "attr", "from", "to"});
  const auto at = [&](std::string_view key) -> const JsonValue& { return json.member(value, "a patch", key); };
  const auto numbers = [&](std::string_view key) {
    if (at(key).is_array()) return integers(json, at(key).array(), key);
    return std::vector<std::int64_t>{json.integer(at(key), key)};
  };
  return {json.text(at("node"), "node"), json.text(at("attr"), "attr"), numbers("from"), numbers("to")};
}

// A single number as itself, as in "from":64.
Json numbers(const std::vector<std::int64_t>& list) { return list.size() == 1 ? Json(list.front()) : Json(list); }

}  // namespace

Plan keep_everything(const mtl::Model& model, const Units& units) {
  Plan plan{mtl::weights_sha256(model.weights), "", {}, {}};
  for (const UnitSet& set : units.sets) {
    KeptSet& kept = plan.sets.emplace_back();
    kept.id = set.id;
    kept.producers = parameters(units, set, Role::producer);
    kept.size = static_cast<std::int64_t>(set.units.size());
    kept.keep.resize(set.units.size());
    std::iota(kept.keep.begin(), kept.keep.end(), 0);
    kept.locked = set.locked;
  }
  return plan;
}

Json to_json(const Plan& plan) {
  Json json = {{"plan", 1}, {"source_weights_sha256", plan.source_weights_sha256}, {"criterion", plan.criterion}};
  json["sets"] = Json::array();
  for (const KeptSet& set : plan.sets)
    json["sets"].push_back({{"id", set.id},
                            {"producers", set.producers},
                            {"size", set.size},
                            {"keep", set.keep},
                            {"score_min", set.score_min},
                            {"score_max", set.score_max},
                            {"locked", set.locked}});
  json["patches"] = Json::array();
  for (const AttributePatch& patch : plan.patches)
    json["patches"].push_back(
        {{"node", patch.node}, {"attr", patch.attribute}, {"from", numbers(patch.from)}, {"to", numbers(patch.to)}});
  return json;
}

Plan parse_plan(std::string_view json, const std::string& file) {
  const JsonValue root = data::parse_json(json, file);
  const StrictJson reader{file};
  reader.object(root, "a plan", {"plan", "source_weights_sha256", "criterion", "sets", "patches"});
  const auto at = [&](std::string_view key) -> const JsonValue& { return reader.member(root, "a plan", key); };
  if (reader.integer(at("plan"), "plan") != 1) reader.fail(at("plan"), "plans of format 1 are read");
  Plan plan{reader.text(at("source_weights_sha256"), "source_weights_sha256"), at("criterion").string(), {}, {}};
  for (const JsonValue& set : list(reader, root, "sets")) plan.sets.push_back(read_set(reader, set));
  for (const JsonValue& patch : list(reader, root, "patches")) plan.patches.push_back(read_patch(reader, patch));
  return plan;
}

Plan read_plan(const std::filesystem::path& path) { return parse_plan(read_file(path), path.string()); }

std::string plan_sha256(const Plan& plan) {
  Json json = {{"source_weights_sha256", plan.source_weights_sha256}, {"sets", Json::array()}};
  for (const KeptSet& set : plan.sets) json["sets"].push_back({{"id", set.id}, {"size", set.size}, {"keep", set.keep}});
  return sha256_hex(json.dump());
}

}  // namespace tenfold::mtl_prune
