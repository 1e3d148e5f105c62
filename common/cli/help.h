// What --help, --version, --describe and --completion print.
#pragma once

#include <string>
#include <string_view>

#include "cli/tool.h"
#include "data/json.h"

namespace tenfold::cli {

std::string tool_help(const Tool& tool);
std::string subcommand_help(const Tool& tool, const Subcommand& subcommand);
std::string version_text(const Tool& tool);

// The whole table: subcommands with traits, inputs, options, examples. Schema tenfold.describe/1.
Json describe_tool(const Tool& tool);

// A script for the shell's completion: source <(tool --completion bash).
std::string bash_completion(const Tool& tool);

// "tenfold.hmc-marg.sample/1"
std::string schema_name(const Tool& tool, const Subcommand& subcommand);

// "data-info" of "data info": the schema's file name without its ending.
std::string schema_stem(const Subcommand& subcommand);

}  // namespace tenfold::cli
