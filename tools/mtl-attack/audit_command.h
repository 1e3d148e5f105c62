// `audit`: whether a finished run's images and numbers are what they say.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::mtl_attack {

cli::Subcommand audit_command();

}  // namespace tenfold::mtl_attack
