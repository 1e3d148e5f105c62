#include "cli/contract_tools.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace tenfold::test {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0 ? c == quote : (c == '\'' || c == '"')) {
      quote = quote != 0 ? 0 : c;
      inside = true;
    } else if (c == ' ' && quote == 0) {
      if (inside) words.push_back(word);
      word.clear();
      inside = false;
    } else {
      word += c;
      inside = true;
    }
  }
  if (inside) words.push_back(word);
  return words;
}

ContractTool read_tool(const fs::path& program, const std::string& described) {
  ContractTool tool;
  tool.program = program.string();
  tool.table = Json::parse(described);
  tool.name = tool.table["tool"].get<std::string>();
  for (const Json& entry : tool.table["subcommands"])
    tool.subcommands.push_back({entry, split(entry["name"].get<std::string>())});
  const fs::path source = TENFOLD_SOURCE_DIR;
  tool.man_page = (source / "man" / (tool.name + ".1")).string();
  tool.schema_folder = (source / "tools" / tool.name / "schema").string();
  return tool;
}

std::vector<ContractTool> discover() {
  std::vector<ContractTool> tools;
  const fs::path build = TENFOLD_BUILD_DIR;
  std::vector<fs::path> programs;
  if (fs::exists(build / "bin"))
    for (const fs::directory_entry& entry : fs::directory_iterator(build / "bin"))
      if (entry.is_regular_file() && access(entry.path().c_str(), X_OK) == 0) programs.push_back(entry.path());
  std::sort(programs.begin(), programs.end());
  for (const fs::path& program : programs) {
    const std::string name = program.filename().string();
    if (name.starts_with("tests-") || name.starts_with("bench-")) continue;
    const Outcome outcome = run({program.string(), "--describe"});
    if (outcome.exit_code == 0) tools.push_back(read_tool(program, outcome.out));
  }
  const fs::path fixture = build / "tests" / "fixture" / "bin" / "fixture-walk";
  ContractTool walk = read_tool(fixture, run({fixture.string(), "--describe"}).out);
  const fs::path folder = fs::path(TENFOLD_SOURCE_DIR) / "tests" / "cli" / "fixture";
  walk.man_page = (folder / "fixture-walk.1").string();
  walk.schema_folder = (folder / "schema").string();
  tools.push_back(std::move(walk));
  return tools;
}

const Json* option_typed(const ContractSubcommand& subcommand, const std::string& word) {
  for (const Json& option : subcommand.table["options"])
    if (word == "--" + option["name"].get<std::string>() ||
        (option["short"].is_string() && word == "-" + option["short"].get<std::string>()))
      return &option;
  return nullptr;
}

Command take_apart(const ContractSubcommand& subcommand, const std::vector<std::string>& words) {
  Command command;
  for (std::size_t i = 1 + subcommand.words.size(); i < words.size(); ++i) {
    const std::size_t equals = words[i].starts_with("--") ? words[i].find('=') : std::string::npos;
    const Json* option = option_typed(subcommand, words[i].substr(0, equals));
    if (!option) {
      command.inputs.push_back(words[i]);
      continue;
    }
    std::string value = equals == std::string::npos ? "" : words[i].substr(equals + 1);
    if ((*option)["kind"] != "flag" && equals == std::string::npos && i + 1 < words.size()) value = words[++i];
    command.options.emplace_back((*option)["name"].get<std::string>(), value);
  }
  return command;
}

}  // namespace

const Json* ContractSubcommand::option(const std::string& name) const { return option_typed(*this, "--" + name); }

const std::vector<ContractTool>& contract_tools() {
  static const std::vector<ContractTool> tools = discover();
  return tools;
}

std::vector<std::string> Command::arguments(const ContractTool& tool, const ContractSubcommand& subcommand) const {
  std::vector<std::string> words = {tool.program};
  words.insert(words.end(), subcommand.words.begin(), subcommand.words.end());
  words.insert(words.end(), inputs.begin(), inputs.end());
  for (const auto& [name, value] : options) {
    words.push_back("--" + name);
    const Json* option = subcommand.option(name);
    if (option && (*option)["kind"] == "flag") continue;
    words.push_back(value);
  }
  return words;
}

Command Command::without(const std::string& option) const {
  Command command = *this;
  std::erase_if(command.options, [&](const auto& entry) { return entry.first == option; });
  return command;
}

Command Command::with(const std::string& option, const std::string& value) const {
  Command command = without(option);
  command.options.emplace_back(option, value);
  return command;
}

bool is_plain(const std::string& example) { return example.find_first_of("|<>;&$`*?(){}\\#~") == std::string::npos; }

Command base_command(const ContractTool& tool, const ContractSubcommand& subcommand) {
  for (const Json& example : subcommand.table["examples"]) {
    const std::string text = example.get<std::string>();
    const std::vector<std::string> words = split(text);
    if (!is_plain(text) || words.empty() || words[0] != tool.name) continue;
    return take_apart(subcommand, words).without("out").without("append").without("format").without("force");
  }
  return {};
}

}  // namespace tenfold::test
