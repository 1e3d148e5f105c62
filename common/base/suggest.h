// The nearest known name, for "unknown option --chian; did you mean --chain?".
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tenfold {

// Edits (insert, delete, replace, swap of neighbours; each once per place) that turn a into b, letters' case ignored.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate with the fewest edits, the first of equals; "" if none is within a third of the name's length (at least 1).
// A candidate that begins with the name, or the name with it, counts as near when three letters agree.
std::string nearest(std::string_view name, std::span<const std::string> candidates);

}  // namespace tenfold
