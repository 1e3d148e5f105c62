#include "mtl/strict_json.h"

#include <algorithm>
#include <cmath>

#include "base/suggest.h"

namespace tenfold::mtl {

void StrictJson::fail(const data::JsonValue& value, const std::string& message) const {
  throw Error(exit_code, at_position(file, value.line, value.col, message));
}

void StrictJson::object(const data::JsonValue& value, std::string_view what, const std::vector<std::string>& keys) const {
  if (!value.is_object()) fail(value, std::string(what) + " is " + name_of(value.kind) + "; an object is needed");
  for (const data::JsonMember& member : value.object()) {
    if (std::ranges::find(keys, member.key) != keys.end()) continue;
    const std::string near = nearest(member.key, keys);
    throw Error(exit_code, at_position(file, member.line, member.col,
                                       std::string(what) + " has no key \"" + member.key + "\"" +
                                           (near.empty() ? "" : "; did you mean \"" + near + "\"?")));
  }
}

const data::JsonValue& StrictJson::member(const data::JsonValue& object, std::string_view what, std::string_view key) const {
  const data::JsonValue* found = object.find(key);
  if (found == nullptr) fail(object, std::string(what) + " needs the key \"" + std::string(key) + "\"");
  return *found;
}

const std::string& StrictJson::text(const data::JsonValue& value, std::string_view what) const {
  if (!value.is_string() || value.string().empty()) fail(value, std::string(what) + " is not a text");
  return value.string();
}

double StrictJson::number(const data::JsonValue& value, std::string_view what) const {
  if (!value.is_number() || !std::isfinite(value.number)) fail(value, std::string(what) + " is not a finite number");
  return value.number;
}

std::int64_t StrictJson::integer(const data::JsonValue& value, std::string_view what) const {
  if (!value.is_number() || !value.fits_int64) fail(value, std::string(what) + " is not an integer");
  return value.integer;
}

std::vector<double> StrictJson::numbers(const data::JsonValue& value, std::string_view what) const {
  if (!value.is_array()) fail(value, std::string(what) + " is not a list of numbers");
  std::vector<double> numbers;
  for (const data::JsonValue& element : value.array()) numbers.push_back(number(element, what));
  return numbers;
}

}  // namespace tenfold::mtl
