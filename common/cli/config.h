// The effective configuration: defaults, a recorded or a given config file, what was typed; each wins over those before it.
#pragma once

#include <string>
#include <vector>

#include "cli/option_table.h"
#include "cli/parse.h"

namespace tenfold::cli {

using Tables = std::vector<OptionTable*>;

// Sets the rows that a config file names. Throws Error usage `FILE:LINE:COL: ...`: does not parse, no object, an unknown key
// (names the nearest), a value of the wrong type or out of bounds.
void apply_config_file(const std::string& file, const Tables& tables);

// The same for the config.json of a run directory, already read.
void apply_recorded_config(const Json& config, const std::string& file, const Tables& tables);

void apply_typed(const std::vector<TypedOption>& typed);

// What --dump-config prints and config.json holds: option names and values, inputs under their names in lower case.
Json effective_config(const Tables& tables);

// Throws Error input naming the first option of the run's identity whose value is not the recorded one.
void check_identity(const Json& recorded, const Tables& tables, const std::string& directory);

}  // namespace tenfold::cli
