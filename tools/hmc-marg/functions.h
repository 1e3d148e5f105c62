// Signatures of the language's library: which functions exist, and the type a call has for given argument types.
// Names of densities are looked up with their suffix: "normal_lpdf", "normal_lcdf", "normal_rng".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hmc-marg/ast.h"

namespace tenfold::hmc_marg {

bool is_library_function(std::string_view name);  // functions, and families with a suffix that they have
// Result type, or nullopt where no signature fits. Integers promote to real; lane-wise functions take any container of reals.
std::optional<Type> result_type(std::string_view name, std::span<const Type> arguments);
std::vector<std::string>
library_function_names();     // for suggestions and for the test that each has an implementation; no densities
std::vector<std::string> density_names();              // families, vector ones included
std::string signatures_of(std::string_view name);      // for messages: "normal_lpdf(reals | reals, reals)"
// Why a construct that CmdStan has is refused here ("ODE solvers run in CmdStan, not here; ..."), or "" where it is not known
// either.
std::string refused_reason(std::string_view name);

// A name of the library taken apart: "student_t_lccdf" is the family student_t with the suffix lccdf.
struct DensityCall {
  std::string_view family;
  std::string_view suffix;  // lpdf, lpmf, lupdf, lupmf, cdf, lcdf, lccdf, rng
};
std::optional<DensityCall> density_call(std::string_view name);  // nullopt: no such family, or not with that suffix

bool is_density(std::string_view family);
bool is_discrete(std::string_view family);    // _lpmf rather than _lpdf
bool is_univariate(std::string_view family);  // scalar lanes, which T[,] may truncate
bool has_cumulative(std::string_view family);

}  // namespace tenfold::hmc_marg
