// What a finished run leaves for people: charts/NAME.vl.json and report.html.
#pragma once

#include <string>

#include "cli/result.h"
#include "cli/run_directory.h"
#include "cli/tool.h"

namespace tenfold::cli {

// `envelope` is the run's result document, `command` the line that reproduces it.
void write_report(RunDirectory& directory, const Tool& tool, const Subcommand& subcommand, const Result& result,
                  const Json& envelope, const std::string& command);

}  // namespace tenfold::cli
