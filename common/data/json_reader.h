// JSON that is read: every value keeps its line and column, integers keep that they were written as such, and NaN and
// Infinity are read as CmdStan and Python write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/json.h"

namespace tenfold::data {

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

const char* name_of(JsonKind kind);  // "null", "boolean", ...

struct JsonMember;

// An immutable value; copies share their contents and are cheap.
class JsonValue {
 public:
  JsonKind kind = JsonKind::null;
  bool boolean = false;             // kind boolean
  bool is_integer_literal = false;  // kind number, written without point and exponent: 1 is, 1.0 is not
  bool fits_int64 = false;          // is_integer_literal, and `integer` holds it
  std::uint32_t line = 0;           // of the value's first byte, from 1
  std::uint32_t col = 0;            // from 1, in bytes
  double number = 0;                // kind number; NaN and infinities occur
  std::int64_t integer = 0;         // the exact value of an integer literal, where fits_int64

  const std::string& string() const;              // "" for other kinds
  const std::vector<JsonValue>& array() const;    // empty for other kinds
  const std::vector<JsonMember>& object() const;  // in the text's order; empty for other kinds

  // The member of that key; null pointer if there is none or this is no object.
  const JsonValue* find(std::string_view key) const;

  // A number, or one of the strings that CmdStan takes for one: NaN, Inf, Infinity, with a sign, in any case.
  std::optional<double> real() const;

  bool is_number() const { return kind == JsonKind::number; }
  bool is_string() const { return kind == JsonKind::string; }
  bool is_array() const { return kind == JsonKind::array; }
  bool is_object() const { return kind == JsonKind::object; }

 private:
  friend class JsonParser;
  std::shared_ptr<const void> contents_;  // std::string, vector<JsonValue> or vector<JsonMember>, by kind
};

struct JsonMember {
  std::string key;
  JsonValue value;
  std::uint32_t line = 0;  // of the key
  std::uint32_t col = 0;
};

struct JsonLimits {
  int max_depth = 512;  // nested arrays and objects; above 10 000 counts as 10 000
};

// RFC 8259, and beyond it bare NaN, Infinity, -Infinity. Throws Error input `FILE:LINE:COL: ...` on anything else:
// broken syntax, bad UTF-8 or escapes, a key twice in one object, text after the value, nesting beyond the limit.
JsonValue parse_json(std::string_view text, const std::string& file, const JsonLimits& limits = {});

// Reads the file ("-": standard input), then the same.
JsonValue read_json(const std::filesystem::path& path, const JsonLimits& limits = {});

// The same value for nlohmann; integer literals that fit stay integers.
Json to_json(const JsonValue& value);

// Throws Error input with the value's place in the file.
[[noreturn]] void input_error_at(const std::string& file, const JsonValue& value, const std::string& message);

}  // namespace tenfold::data
