// Signatures of the language's library: which functions exist, and the type a call has for given argument types.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hmc-marg/ast.h"

namespace tenfold::hmc_marg {

bool is_library_function(std::string_view name);
// Result type, or nullopt where no signature fits. Integers promote to real; lane-wise functions take any container of reals.
std::optional<Type> result_type(std::string_view name, std::span<const Type> arguments);
std::vector<std::string> library_function_names();     // for suggestions and for the test that each has an implementation
std::vector<std::string> density_names();              // families, vector ones included
std::string signatures_of(std::string_view name);      // for messages: "normal_lpdf(reals | reals, reals)"
// Why a construct that CmdStan has is refused here ("runs in CmdStan, not here: ODE solvers"), or "" where it is not known either.
std::string refused_reason(std::string_view name);

}  // namespace tenfold::hmc_marg
