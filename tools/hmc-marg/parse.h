// The grammar of Stan programs: text to syntax tree. Names and types are the type checker's business (types.h).
#pragma once

#include <string>

#include "hmc-marg/ast.h"

namespace tenfold::hmc_marg {

// Throws Error(input) "FILE:LINE:COL: what is wrong; what to do" for what is not in the grammar, and for constructs that only
// CmdStan runs. Nesting deeper than 200 brackets or blocks, and expressions of more than kMaxHeight operations in a chain, are
// refused.
Program parse_syntax(const std::string& text, const std::string& file);

}  // namespace tenfold::hmc_marg
