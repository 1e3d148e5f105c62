// The type checker of Stan programs: resolves names, gives every expression its type and whether it is data, and refuses what
// Stan refuses: unknown names, types that do not fit, assignments to what is read only, functions out of their place.
#pragma once

#include <optional>
#include <string>

#include "hmc-marg/ast.h"

namespace tenfold::hmc_marg {

// Completes the tree in place. Throws Error(input) "FILE:LINE:COL: what is wrong; what to do". Forward declarations of functions
// disappear; recursion, and calls nested so deep that an interpreter could not follow, are refused.
void check_types(Program& program);

// Result of an operator, nullopt where it has no such operands.
std::optional<Type> unary_type(Operator op, const Type& operand);
std::optional<Type> binary_type(Operator op, const Type& left, const Type& right);
// What to write instead, for a message; never empty.
std::string operator_hint(Operator op, const Type& left, const Type& right);

}  // namespace tenfold::hmc_marg
