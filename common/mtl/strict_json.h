// Objects whose every key is known, read with the place of what is wrong: tasks.json and NAME.mtg.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "data/json_reader.h"

namespace tenfold::mtl {

// A JSON file being read, with the exit code its faults have: a configuration's or an input's.
struct StrictJson {
  std::string file;
  ExitCode exit_code = ExitCode::input;

  [[noreturn]] void fail(const data::JsonValue& value, const std::string& message) const;
  // The value must be an object with none but these keys; the message suggests the nearest.
  void object(const data::JsonValue& value, std::string_view what, const std::vector<std::string>& keys) const;
  // The member of that key. Throws where it is absent.
  const data::JsonValue& member(const data::JsonValue& object, std::string_view what, std::string_view key) const;

  const std::string& text(const data::JsonValue& value, std::string_view what) const;  // not empty
  double number(const data::JsonValue& value, std::string_view what) const;            // finite
  std::int64_t integer(const data::JsonValue& value, std::string_view what) const;
  std::vector<double> numbers(const data::JsonValue& value, std::string_view what) const;
};

}  // namespace tenfold::mtl
