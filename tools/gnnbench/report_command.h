// gnnbench report: a comparison once more, with imported curves, as HTML, CSV and TeX.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::gnnbench {

cli::Subcommand report_command();

}  // namespace tenfold::gnnbench
