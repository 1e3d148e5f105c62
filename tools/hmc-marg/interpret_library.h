// Which implementation each call of a program has: looked up by name once, found by number afterwards.
#pragma once

#include <vector>

#include "hmc-marg/ast.h"
#include "hmc-marg/densities.h"
#include "hmc-marg/library.h"
#include "hmc-marg/op.h"

namespace tenfold::hmc_marg {

struct ResolvedCall {
  LibraryFunction function = nullptr;
  Op op = Op::constant;                // the operation for scalar arguments; constant: none
  Density density = Density::none;     // a univariate density with scalar arguments
};
using CallTable = std::vector<ResolvedCall>;

// Numbers the calls of the program (Expr::library_index) and returns what they stand for. The same program always gets the same
// numbers. Throws Error(input) for a function without an implementation.
CallTable resolve_calls(const Program& program);

}  // namespace tenfold::hmc_marg
