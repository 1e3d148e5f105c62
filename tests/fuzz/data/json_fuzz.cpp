// The JSON reader on any bytes: a value or an Error, never anything else. What it accepts must have sane positions.
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "data/json_reader.h"

namespace {

using tenfold::data::JsonValue;

void check_positions(const JsonValue& value) {
  if (value.line == 0 || value.col == 0) std::abort();
  for (const JsonValue& element : value.array()) check_positions(element);
  for (const auto& member : value.object()) check_positions(member.value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    check_positions(tenfold::data::parse_json({reinterpret_cast<const char*>(data), size}, "fuzz.json"));
  } catch (const tenfold::Error&) {
  }
  return 0;
}
