// Budgets as they are typed: "8/255", grey levels from 1 on, or a fraction of the range below 1.
#pragma once

#include <string>
#include <string_view>

namespace tenfold::mtl_attack {

// In units of the range [0, 1]. "8/255" as written; a number in (0, 1) a fraction; a number >= 1 grey levels; 0 a control.
// Throws Error usage naming `option`: not a number, below 0, above 1 (255 levels).
double parse_eps(std::string_view text, std::string_view option);

// 255 eps, without the last bits that the division left: 8, 0.5.
double grey_levels(double eps);

// The whole grey levels that fit into eps: floor(255 eps + 1e-9).
int whole_levels(double eps);

// "8", "0.5": grey levels as names and tables show them.
std::string levels_text(double eps);

}  // namespace tenfold::mtl_attack
