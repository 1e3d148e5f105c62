// What --help prints of an option.
#include "cli/help.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace tenfold::cli {
namespace {

struct Options {
  std::vector<std::string> widths = {"64", "128"};
  bool loops = true;
};

void describe(Options& o, OptionTable& table) {
  table.add("--widths", o.widths, "columns");
  table.add("--loops", o.loops, "self loops");
}

Result nothing(const Options&, Run&) { return {}; }

TEST_CASE("a default stands in the help as one would type it") {
  const Tool tool{.name = "t", .summary = "a tool", .subcommands = {subcommand<Options>("s", "a subcommand", nothing, {})}};
  const std::string help = subcommand_help(tool, tool.subcommands[0]);
  CHECK_MESSAGE(help.find("columns (default: 64,128)") != std::string::npos, help);
  CHECK_MESSAGE(help.find("self loops (default: on)") != std::string::npos, help);
}

}  // namespace
}  // namespace tenfold::cli
