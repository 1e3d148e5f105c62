// data render, convert, inspect, hash: the same in every tool on common/mtl. `tool` stands in the examples.
#pragma once

#include <string>

#include "cli/subcommand.h"

namespace tenfold::mtl {

cli::Subcommand data_render_command(const std::string& tool);
cli::Subcommand data_convert_command(const std::string& tool);
cli::Subcommand data_inspect_command(const std::string& tool);
cli::Subcommand data_hash_command(const std::string& tool);

}  // namespace tenfold::mtl
