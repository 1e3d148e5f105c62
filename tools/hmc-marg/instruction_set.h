// The instruction sets of base, by the names this tool uses.
#pragma once

#include "base/instruction_set.h"

namespace tenfold::hmc_marg {

using tenfold::best_instruction_set;
using tenfold::InstructionSet;
using tenfold::supported;

}  // namespace tenfold::hmc_marg
