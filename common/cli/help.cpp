#include "cli/help.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/version.h"
#include "cli/shared_options.h"
#include "data/number.h"

namespace tenfold::cli {
namespace {

constexpr std::size_t kWidth = 100;  // columns of a help text
constexpr std::size_t kIndent = 28;  // where the meaning of an option begins

// Breaks text at spaces; lines after the first begin with `indent` spaces.
std::string wrapped(const std::string& text, std::size_t column, std::size_t indent) {
  std::string out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (column + word.size() + 1 > kWidth && column > indent) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!out.empty()) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    begin = end + 1;
  }
  return out + "\n";
}

std::string entry(const std::string& left, const std::string& right) {
  std::string out = "  " + left;
  if (out.size() + 2 > kIndent)
    out += "\n" + std::string(kIndent, ' ');
  else
    out.resize(kIndent, ' ');
  return out + wrapped(right, kIndent, kIndent);
}

std::string default_text(const OptionSpec& spec) {
  if (spec.kind == OptionKind::flag) return "";
  const Json value = option_value(spec);
  if (value.is_null() || value == "" || (value.is_array() && value.empty())) return "";
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  if (value.is_number_float()) return data::number_text(value.get<double>());
  if (value.is_array()) {  // as one would type it
    std::string words;
    for (const Json& word : value)
      words += (words.empty() ? "" : ",") + (word.is_string() ? word.get<std::string>() : word.dump());
    return words;
  }
  return value.is_string() ? value.get<std::string>() : data::dump_json(value);
}

std::string meaning(const OptionSpec& spec) {
  std::string notes;
  const auto note = [&notes](const std::string& text) { notes += (notes.empty() ? "" : "; ") + text; };
  if (spec.input) {
    if (spec.required) note("required");
    if (!spec.default_input.empty()) note("default: " + spec.default_input);
  } else if (const std::string value = default_text(spec); !value.empty() && spec.name != "threads") {
    note("default: " + value);
  }
  if (const std::string bounds = bounds_text(spec); !bounds.empty() && spec.name != "seed") note(bounds);
  return spec.help + (notes.empty() ? "" : " (" + notes + ")");
}

std::string option_entry(const OptionSpec& spec) {
  const std::string short_name = spec.short_name.empty() ? "    " : "-" + spec.short_name + ", ";
  return entry(short_name + "--" + spec.name + (spec.value_name.empty() ? "" : " " + spec.value_name), meaning(spec));
}

std::string examples_text(const std::vector<std::string>& examples) {
  if (examples.empty()) return "";
  std::string out = "\nexamples:\n";
  for (const std::string& example : examples) out += "  " + example + "\n";
  return out;
}

std::string usage_line(const Tool& tool, const Subcommand& subcommand, const OptionTable& table) {
  std::string out = "usage: " + tool.name + " " + subcommand.name;
  for (const OptionSpec& spec : table.specs()) {
    if (!spec.input) continue;
    const std::string name = spec.value_name + (spec.many ? "..." : "");
    out += spec.required ? " " + name : " [" + name + "]";
  }
  return out + " [options]\n";
}

OptionTable shared_table(SharedOptions& options, const Traits& traits) {
  OptionTable table;
  describe(options, traits, table);
  return table;
}

Json describe_option(const OptionSpec& spec, bool shared) {
  Json out = {{"name", spec.name}};
  if (!spec.input) out["short"] = spec.short_name.empty() ? Json(nullptr) : Json(spec.short_name);
  out["kind"] = name_of(spec.kind);
  out["value"] = spec.value_name;
  out["help"] = spec.help;
  if (spec.input) {
    out["required"] = spec.required;
    out["many"] = spec.many;
    out["default"] = spec.default_input.empty() ? Json(nullptr) : Json(spec.default_input);
  } else {
    out["default"] = option_value(spec);
  }
  if (std::isfinite(spec.minimum)) out["minimum"] = spec.minimum, out["minimum_open"] = spec.minimum_open;
  if (std::isfinite(spec.maximum)) out["maximum"] = spec.maximum, out["maximum_open"] = spec.maximum_open;
  if (!spec.choices.empty()) out["choices"] = spec.choices;
  out["stream"] = spec.stream;
  out["in_config"] = spec.in_config;
  out["identity"] = spec.identity;
  out["shared"] = shared;
  return out;
}

Json describe_subcommand(const Tool& tool, const Subcommand& subcommand) {
  const Traits& traits = subcommand.traits;
  Json out = {{"name", subcommand.name},
              {"summary", subcommand.summary},
              {"description", traits.description},
              {"output", traits.product.empty() ? "envelope" : "product"},
              {"product", traits.product.empty() ? Json(nullptr) : Json(traits.product)},
              {"schema", traits.product.empty() ? Json(schema_name(tool, subcommand)) : Json(nullptr)},
              {"schema_file", traits.product.empty() ? Json(schema_stem(subcommand) + ".json") : Json(nullptr)},
              {"traits",
               {{"run_directory", traits.run_directory},
                {"resumable", traits.resumable},
                {"random", traits.random},
                {"threads", traits.threads},
                {"torch", traits.torch},
                {"timed", traits.timed}}},
              {"examples", traits.examples},
              {"inputs", Json::array()},
              {"options", Json::array()}};
  const std::unique_ptr<BoundSubcommand> bound = subcommand.bind();
  for (const OptionSpec& spec : bound->table.specs())
    out[spec.input ? "inputs" : "options"].push_back(describe_option(spec, false));
  SharedOptions shared;
  const OptionTable shared_rows = shared_table(shared, traits);
  for (const OptionSpec& spec : shared_rows.specs()) out["options"].push_back(describe_option(spec, true));
  return out;
}

}  // namespace

std::string schema_stem(const Subcommand& subcommand) {
  std::string stem = subcommand.traits.schema.empty() ? subcommand.name : subcommand.traits.schema;
  std::replace(stem.begin(), stem.end(), ' ', '-');
  return stem;
}

std::string schema_name(const Tool& tool, const Subcommand& subcommand) {
  return "tenfold." + tool.name + "." + schema_stem(subcommand) + "/" + std::to_string(subcommand.traits.schema_version);
}

std::string version_text(const Tool& tool) {
  const std::string libtorch = libtorch_version();
  return tool.name + " " + version() + " (git " + git_revision() + ", " +
         (libtorch.empty() ? "without LibTorch" : "LibTorch " + libtorch) + ")\n";
}

std::string tool_help(const Tool& tool) {
  std::string out =
      tool.name + ": " + tool.summary + "\n\nusage: " + tool.name + " SUBCOMMAND INPUT... [options]\n\nsubcommands:\n";
  std::vector<std::string> examples;
  for (const Subcommand& subcommand : tool.subcommands) {
    out += entry(subcommand.name, subcommand.summary);
    if (!subcommand.traits.examples.empty()) examples.push_back(subcommand.traits.examples.front());
  }
  out += "\n" + wrapped(tool.name + " SUBCOMMAND --help lists a subcommand's options.", 0, 0) + "\noptions:\n";
  out += entry("-h, --help", "print this and stop");
  out += entry("    --version", "print the version and stop");
  out += entry("    --describe", "print all subcommands and options as JSON and stop");
  out += entry("    --completion bash", "print a completion script: source <(" + tool.name + " --completion bash)");
  return out + examples_text(examples);
}

std::string subcommand_help(const Tool& tool, const Subcommand& subcommand) {
  const std::unique_ptr<BoundSubcommand> bound = subcommand.bind();
  std::string out =
      tool.name + " " + subcommand.name + ": " + subcommand.summary + "\n\n" + usage_line(tool, subcommand, bound->table);
  if (!subcommand.traits.description.empty()) out += "\n" + wrapped(subcommand.traits.description, 0, 0);
  std::string inputs;
  std::string options;
  for (const OptionSpec& spec : bound->table.specs()) {
    if (spec.input)
      inputs += entry(spec.value_name + (spec.many ? "..." : ""), meaning(spec));
    else
      options += option_entry(spec);
  }
  if (!inputs.empty()) out += "\ninputs:\n" + inputs;
  if (!options.empty()) out += "\noptions:\n" + options;
  out += "\noptions of every tool:\n";
  SharedOptions shared;
  const OptionTable shared_rows = shared_table(shared, subcommand.traits);
  for (const OptionSpec& spec : shared_rows.specs()) out += option_entry(spec);
  return out + examples_text(subcommand.traits.examples);
}

Json describe_tool(const Tool& tool) {
  Json out = {{"schema", "tenfold.describe/1"}, {"tool", tool.name},     {"summary", tool.summary},
              {"version", version()},           {"git", git_revision()}, {"subcommands", Json::array()}};
  for (const Subcommand& subcommand : tool.subcommands) out["subcommands"].push_back(describe_subcommand(tool, subcommand));
  return out;
}

std::string bash_completion(const Tool& tool) {
  std::string function = "_" + tool.name;
  std::replace(function.begin(), function.end(), '-', '_');
  std::string first = "--help --version --describe --completion";
  std::string seconds;  // of the first words of two: what may follow
  std::string cases;
  for (const Subcommand& subcommand : tool.subcommands) {
    const std::size_t space = subcommand.name.find(' ');
    const std::string head = subcommand.name.substr(0, space);
    if ((first + " ").find(" " + head + " ") == std::string::npos) first += " " + head;
    if (space != std::string::npos) seconds += "    " + head + ") second+=\" " + subcommand.name.substr(space + 1) + "\" ;;&\n";
    std::string words;
    std::string values;
    const std::unique_ptr<BoundSubcommand> bound = subcommand.bind();
    SharedOptions shared;
    const OptionTable shared_rows = shared_table(shared, subcommand.traits);
    for (const OptionTable* table : {static_cast<const OptionTable*>(&bound->table), &shared_rows}) {
      for (const OptionSpec& spec : table->specs()) {
        if (spec.input) continue;
        words += " --" + spec.name;
        std::string choices = spec.kind == OptionKind::on_off ? "on off" : "";
        for (const std::string& choice : spec.choices) choices += (choices.empty() ? "" : " ") + choice;
        if (!choices.empty()) values += "        --" + spec.name + ") words=\"" + choices + "\" ;;\n";
      }
    }
    const std::string pattern = "\"" + subcommand.name + (space == std::string::npos ? " \"*" : "\"");
    cases += "    " + pattern + ")\n      case \"$previous\" in\n" + values + "        *) words=\"" + words.substr(1) +
             "\" ;;\n      esac ;;\n";
  }
  std::string out =
      "# bash completion of " + tool.name + "\n" + function + "() {\n" +
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" words=\"\" second=\"\"\n" +
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W \"" + first + "\" -- \"$word\"))\n    return\n  fi\n";
  if (!seconds.empty())
    out += "  case \"${COMP_WORDS[1]}\" in\n" + seconds + "  esac\n" +
           "  if [ \"$COMP_CWORD\" -eq 2 ] && [ -n \"$second\" ]; then\n    COMPREPLY=($(compgen -W \"$second\" -- "
           "\"$word\"))\n    return\n  fi\n";
  return out + "  case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n    \"--completion \"*) words=\"bash\" ;;\n" + cases +
         "  esac\n" + "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n" +
         "  [ \"${word:0:1}\" != - ] && COMPREPLY+=($(compgen -f -- \"$word\"))\n}\n" + "complete -o filenames -F " + function +
         " " + tool.name + "\n";
}

}  // namespace tenfold::cli
