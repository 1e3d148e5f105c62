// A tool: its name and its table of subcommands; tool_main is the whole of a tool's main().
#pragma once

#include <string>
#include <vector>

#include "cli/subcommand.h"

namespace tenfold::cli {

struct Tool {
  std::string name;      // "hmc-marg"
  std::string summary;   // one line
  std::vector<Subcommand> subcommands;
};

// Parses, runs the subcommand, prints the envelope or the product. Returns the exit code; throws nothing.
int tool_main(int argc, char** argv, const Tool& tool);

}  // namespace tenfold::cli
