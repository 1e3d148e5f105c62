#include "cli/config.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/suggest.h"
#include "data/json_reader.h"

namespace tenfold::cli {
namespace {

OptionSpec* find(const Tables& tables, std::string_view key) {
  for (OptionTable* table : tables)
    if (OptionSpec* spec = table->find(key); spec && spec->in_config) return spec;
  return nullptr;
}

std::string near_key(const Tables& tables, const std::string& key) {
  std::vector<std::string> known;
  for (const OptionTable* table : tables)
    for (const OptionSpec& spec : table->specs())
      if (spec.in_config) known.push_back(spec.name);
  const std::string near = nearest(key, known);
  return near.empty() ? "the keys are the long option names" : "did you mean \"" + near + "\"?";
}

}  // namespace

void apply_config_file(const std::string& file, const Tables& tables) {
  try {
    const data::JsonValue config = data::read_json(file);
    if (!config.is_object())
      usage_error(at_position(file, config.line, config.col, "a config file is a JSON object of long option names"));
    for (const data::JsonMember& member : config.object()) {
      OptionSpec* spec = find(tables, member.key);
      if (!spec)
        usage_error(
            at_position(file, member.line, member.col, "unknown key \"" + member.key + "\"; " + near_key(tables, member.key)));
      set_option(*spec, data::to_json(member.value), at_position(file, member.value.line, member.value.col, member.key));
    }
  } catch (const Error& error) {
    usage_error(error.message());  // a config file that does not read is a matter of usage, not of input
  }
}

void apply_recorded_config(const Json& config, const std::string& file, const Tables& tables) {
  try {
    for (const auto& [key, value] : config.items()) {
      OptionSpec* spec = find(tables, key);
      if (!spec) input_error(file + ": unknown key \"" + key + "\"; the run is of another version of this program");
      set_option(*spec, value, file + ": " + key);
    }
  } catch (const Error& error) {
    input_error(error.message());
  }
}

void apply_typed(const std::vector<TypedOption>& typed) {
  for (const TypedOption& option : typed)
    set_option(*option.spec, option.values, option.spec->input ? option.spec->value_name : "--" + option.spec->name);
}

Json effective_config(const Tables& tables) {
  Json config = Json::object();
  for (const OptionTable* table : tables)
    for (const OptionSpec& spec : table->specs())
      if (spec.in_dump) config[spec.name] = option_value(spec);
  return config;
}

void check_identity(const Json& recorded, const Tables& tables, const std::string& directory) {
  for (const OptionTable* table : tables) {
    for (const OptionSpec& spec : table->specs()) {
      if (!spec.in_dump || !spec.identity || !recorded.contains(spec.name)) continue;
      const Json now = option_value(spec);
      if (now == recorded[spec.name]) continue;
      const std::string name = spec.input ? spec.value_name : "--" + spec.name;
      input_error(name + ": " + data::dump_json(now) + " differs from the run in " + directory + ", which has " +
                  data::dump_json(recorded[spec.name]) + "; leave it out to go on, or start another run");
    }
  }
}

}  // namespace tenfold::cli
