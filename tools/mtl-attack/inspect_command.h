// `inspect`: how a network's tasks pull on one image.
#pragma once

#include "cli/subcommand.h"

namespace tenfold::mtl_attack {

cli::Subcommand inspect_command();

}  // namespace tenfold::mtl_attack
