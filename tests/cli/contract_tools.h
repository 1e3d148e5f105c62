// The tools that the contract holds for, as --describe tells them: every program in bin/ that answers it, and the fixture.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/process.h"

namespace tenfold::test {

using Json = nlohmann::ordered_json;

struct ContractSubcommand {
  Json table;                     // its entry of --describe
  std::vector<std::string> words; // {"data", "info"}

  std::string name() const { return table["name"].get<std::string>(); }
  bool trait(const char* name) const { return table["traits"][name].get<bool>(); }
  bool product() const { return table["output"] == "product"; }
  bool is_demo() const { return name() == "demo"; }  // long: ctest runs none
  const Json* option(const std::string& name) const;
};

struct ContractTool {
  std::string name;
  std::string program;        // full path
  std::string man_page;       // full path
  std::string schema_folder;  // full path
  Json table;                 // the whole of --describe
  std::vector<ContractSubcommand> subcommands;
};

const std::vector<ContractTool>& contract_tools();

// A command line taken apart by the table.
struct Command {
  std::vector<std::string> inputs;
  std::vector<std::pair<std::string, std::string>> options;  // long name, value; of a flag ""

  // Full argument list: program, subcommand, inputs, options.
  std::vector<std::string> arguments(const ContractTool& tool, const ContractSubcommand& subcommand) const;
  Command without(const std::string& option) const;
  Command with(const std::string& option, const std::string& value) const;  // replaces it
};

// The first example that is a plain command (no pipe, no redirection), without --out, --append and --format.
Command base_command(const ContractTool& tool, const ContractSubcommand& subcommand);

bool is_plain(const std::string& example);  // no shell syntax beyond words and quotes

}  // namespace tenfold::test
