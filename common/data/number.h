// Doubles as text: the shortest that reads back as the same double.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tenfold::data {

// std::to_chars' shortest; "nan", "inf", "-inf" as CmdStan writes them.
void append_number(std::string& out, double value);
std::string number_text(double value);

// The whole text as a double, or nothing: decimal numbers with an optional sign, and nan, inf, infinity in any case.
// A value beyond the doubles' range gives infinity, one below zero, as strtod does.
std::optional<double> parse_number(std::string_view text);

}  // namespace tenfold::data
