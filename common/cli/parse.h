// What was typed, taken apart against the tables. CLI11 does the taking apart, and is included in parse.cpp alone.
#pragma once

#include <string>
#include <vector>

#include "cli/option_table.h"

namespace tenfold::cli {

struct TypedOption {
  OptionSpec* spec;
  std::vector<std::string> values;  // one for an option; as many as there are for a list or an input that takes many
};

// In the tables' order. Throws Error usage: unknown option (names the nearest), missing value, more inputs than there are.
// `usage` ends the message about an unknown option: "hmc-marg sample --help".
std::vector<TypedOption> parse_arguments(const std::vector<std::string>& arguments, const std::vector<OptionTable*>& tables,
                                         const std::string& usage);

}  // namespace tenfold::cli
