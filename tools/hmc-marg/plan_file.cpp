// Names and states of plan.json's entries; what else stands there was said for people.
#include "hmc-marg/plan_file.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/suggest.h"
#include "data/json_reader.h"

namespace tenfold::hmc_marg {
namespace {

using data::input_error_at;
using data::JsonValue;

std::string word(const JsonValue& entry, const char* key, const std::string& file) {
  const JsonValue* value = entry.find(key);
  if (value == nullptr || !value->is_string())
    input_error_at(file, entry, fmt::format("an entry without the word \"{}\"; give the plan.json of a run", key));
  return value->string();
}

}  // namespace

PlanOptions read_plan(const FactorGraph& model, const PlanOptions& options) {
  const std::string& file = options.plan;
  if (!std::filesystem::exists(file))
    input_error(fmt::format("--plan {}: no such file; say auto, race or the plan.json of a run", file));
  const JsonValue plan = data::read_json(file);
  if (!plan.is_array()) input_error_at(file, plan, "not a plan, which is a list of parameters; give the plan.json of a run");
  std::vector<std::string> known, eliminated, noncentred;
  for (const Parameter& parameter : model.parameters) known.push_back(parameter.name);
  std::set<std::string> named;
  for (const JsonValue& entry : plan.array()) {
    const std::string name = word(entry, "name", file), status = word(entry, "status", file);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string near = nearest(name, known);
      input_error_at(file, entry,
                     fmt::format("the program has no parameter `{}`{}; give the plan of this very program", name,
                                 near.empty() ? "" : ", but `" + near + "`"));
    }
    if (!named.insert(name).second) input_error_at(file, entry, fmt::format("`{}` is named twice; leave one out", name));
    if (status != "eliminated" && status != "sampled")
      input_error_at(file, entry, fmt::format("`{}` is \"{}\"; a parameter is \"eliminated\" or \"sampled\"", name, status));
    const JsonValue* rule = entry.find("rule");
    if (status == "eliminated")
      eliminated.push_back(name);
    else if (rule != nullptr && rule->is_string() && rule->string() == "noncentred")
      noncentred.push_back(name);
  }
  std::vector<std::string> missing;
  for (const std::string& name : known)
    if (named.count(name) == 0) missing.push_back("`" + name + "`");
  if (!missing.empty())
    input_error_at(file, plan,
                   fmt::format("nothing is said of the program's {} {}; give the plan of this very program",
                               missing.size() == 1 ? "parameter" : "parameters", fmt::join(missing, ", ")));
  PlanOptions out = options;
  out.marginalize = eliminated.empty() ? "none" : fmt::format("{}", fmt::join(eliminated, ","));
  out.reparam = noncentred.empty() ? "none" : fmt::format("{}", fmt::join(noncentred, ","));
  return out;
}

}  // namespace tenfold::hmc_marg
