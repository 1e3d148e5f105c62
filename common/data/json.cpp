// JSON that is written, and values read with positions turned into nlohmann's.
#include "data/json.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "data/json_reader.h"

namespace tenfold::data {

std::string dump_json(const Json& value, int indent) { return value.dump(indent, ' ', false, Json::error_handler_t::replace); }

std::size_t count_non_finite(const Json& value) {
  if (value.is_number_float()) return std::isfinite(value.get<double>()) ? 0 : 1;
  std::size_t count = 0;
  if (value.is_structured()) {
    for (const Json& inner : value) count += count_non_finite(inner);
  }
  return count;
}

Json to_json(const JsonValue& value) {
  switch (value.kind) {
    case JsonKind::null: return nullptr;
    case JsonKind::boolean: return value.boolean;
    case JsonKind::number: return value.fits_int64 ? Json(value.integer) : Json(value.number);
    case JsonKind::string: return value.string();
    case JsonKind::array: {
      Json out = Json::array();
      for (const JsonValue& inner : value.array()) out.push_back(to_json(inner));
      return out;
    }
    case JsonKind::object: {
      Json out = Json::object();
      for (const JsonMember& member : value.object()) out[member.key] = to_json(member.value);
      return out;
    }
  }
  return nullptr;
}

}  // namespace tenfold::data
