// JSON that is written: nlohmann's ordered value, and its text with NaN and infinity as null.
// Files that include this and build values also include <nlohmann/json.hpp>.
#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace tenfold {

using Json = nlohmann::ordered_json;

namespace data {

using tenfold::Json;

// Keys in their order; NaN and infinities are null; bytes that are no UTF-8 become U+FFFD. indent < 0: one line.
std::string dump_json(const Json& value, int indent = -1);

// How many numbers of the value dump_json turns into null: a result with any carries a warning.
std::size_t count_non_finite(const Json& value);

}  // namespace data
}  // namespace tenfold
