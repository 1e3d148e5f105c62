// One invocation of a subcommand, from the words typed to the exit code.
#pragma once

#include <string>
#include <vector>

#include "cli/tool.h"

namespace tenfold::cli {

// words begins with the subcommand's name. Throws Error for all that main reports.
int invoke(const Tool& tool, const Subcommand& subcommand, const std::vector<std::string>& words);

}  // namespace tenfold::cli
