// The JSON reader: one pass, an explicit stack instead of recursion. Values under construction lie on one flat stack,
// from which a closing bracket takes its own into a vector of the right size.
#include "data/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "data/number.h"

namespace tenfold::data {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A byte of the text for a message: itself if it can be printed.
std::string shown(char c) {
  const unsigned char byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte < 0x7F) return std::string("'") + c + "'";
  const char* const digits = "0123456789abcdef";
  return std::string("byte 0x") + digits[byte >> 4] + digits[byte & 15];
}

// Length of the well-formed UTF-8 sequence (Unicode table 3-7) that begins at p, 0 if none does.
int utf8_length(const char* p, const char* end) {
  const auto byte = [&](int i) { return p + i < end ? static_cast<unsigned char>(p[i]) : 0u; };
  const auto continues = [&](int i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned second = byte(1);
    const bool overlong = lead == 0xE0 && second < 0xA0;
    const bool surrogate = lead == 0xED && second > 0x9F;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned second = byte(1);
    const bool overlong = lead == 0xF0 && second < 0x90;
    const bool beyond = lead == 0xF4 && second > 0x8F;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

}  // namespace

class JsonParser {
 public:
  JsonParser(std::string_view text, const std::string& file, const JsonLimits& limits)
      : begin_(text.data()),
        end_(begin_ + text.size()),
        at_(begin_),
        line_start_(begin_),
        file_(file),
        max_depth_(static_cast<std::size_t>(std::clamp(limits.max_depth, 1, 10000))) {}

  JsonValue parse();

 private:
  struct Key {
    std::string text;
    std::uint32_t line, col;
  };
  struct Frame {
    bool is_object;
    std::size_t first_value, first_key;  // where its own begin on the stacks
    JsonValue value;                     // kind and place
  };

  [[noreturn]] void fail(const char* place, const std::string& message) const {
    input_error(at_position(file_, line_, static_cast<std::size_t>(place - line_start_) + 1, message));
  }
  [[noreturn]] void fail_at_end() const;
  void skip_space();
  JsonValue place_here(JsonKind kind) const;
  void open(JsonKind kind);
  void read_key();
  void value_done(JsonValue value);
  void close();
  bool begin_value();
  void read_word(std::string_view word, JsonValue value);
  JsonValue read_number();
  std::string read_string();
  void read_escape(std::string& out);
  std::uint32_t read_hex4();
  void check_keys(std::size_t first_key) const;

  const char* begin_;
  const char* end_;
  const char* at_;
  const char* line_start_;
  std::size_t line_ = 1;
  const std::string& file_;
  std::size_t max_depth_;
  std::vector<Frame> frames_;
  std::vector<JsonValue> values_;
  std::vector<Key> keys_;
};

void JsonParser::skip_space() {
  for (; at_ < end_; ++at_) {
    if (*at_ == '\n') {
      ++line_;
      line_start_ = at_ + 1;
    } else if (*at_ != ' ' && *at_ != '\t' && *at_ != '\r') {
      return;
    }
  }
}

JsonValue JsonParser::place_here(JsonKind kind) const {
  JsonValue value;
  value.kind = kind;
  value.line = static_cast<std::uint32_t>(line_);
  value.col = static_cast<std::uint32_t>(at_ - line_start_ + 1);
  return value;
}

void JsonParser::fail_at_end() const {
  if (frames_.empty()) fail(at_, at_ == begin_ ? "empty; expected a JSON value" : "the text ends where a value is expected");
  const Frame& frame = frames_.back();
  fail(at_, std::string("the text ends inside the ") + (frame.is_object ? "object" : "array") + " begun at " +
                std::to_string(frame.value.line) + ":" + std::to_string(frame.value.col) + "; the file may be cut off");
}

JsonValue JsonParser::parse() {
  if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with("\xEF\xBB\xBF")) {
    at_ += 3;  // a byte order mark, which some editors write
    begin_ = line_start_ = at_;
  }
  for (;;) {
    skip_space();
    if (at_ == end_) fail_at_end();
    if (!begin_value()) continue;  // an open bracket with something in it
    // A value is complete: what follows belongs to the frame around it.
    for (;;) {
      skip_space();
      if (frames_.empty()) {
        if (at_ != end_) fail(at_, shown(*at_) + " after the end of the JSON value");
        return std::move(values_.back());
      }
      if (at_ == end_) fail_at_end();
      const bool in_object = frames_.back().is_object;
      if (*at_ == ',') {
        ++at_;
        skip_space();
        if (at_ == end_) fail_at_end();
        if (*at_ == (in_object ? '}' : ']')) fail(at_, "a comma before the closing bracket; remove the comma");
        if (in_object) read_key();
        break;
      }
      if (*at_ != (in_object ? '}' : ']')) {
        fail(at_, std::string("expected ',' or ") + (in_object ? "'}'" : "']'") + ", found " + shown(*at_));
      }
      ++at_;
      close();
    }
  }
}

// Reads a whole scalar or empty bracket, and returns true; or opens a bracket, reads its first key, and returns false.
bool JsonParser::begin_value() {
  JsonValue value;
  switch (*at_) {
    case '{':
    case '[': {
      const bool is_object = *at_ == '{';
      open(is_object ? JsonKind::object : JsonKind::array);
      skip_space();
      if (at_ == end_) fail_at_end();
      if (*at_ == (is_object ? '}' : ']')) {
        ++at_;
        close();
        return true;
      }
      if (is_object) read_key();
      return false;
    }
    case '"':
      value = place_here(JsonKind::string);
      value.contents_ = std::make_shared<const std::string>(read_string());
      values_.push_back(std::move(value));
      return true;
    case 't':
      value = place_here(JsonKind::boolean);
      value.boolean = true;
      read_word("true", std::move(value));
      return true;
    case 'f': read_word("false", place_here(JsonKind::boolean)); return true;
    case 'n': read_word("null", place_here(JsonKind::null)); return true;
    case 'N':
      value = place_here(JsonKind::number);
      value.number = std::numeric_limits<double>::quiet_NaN();
      read_word("NaN", std::move(value));
      return true;
    case 'I':
      value = place_here(JsonKind::number);
      value.number = std::numeric_limits<double>::infinity();
      read_word("Infinity", std::move(value));
      return true;
    default:
      if (*at_ != '-' && !is_digit(*at_)) fail(at_, "expected a JSON value, found " + shown(*at_));
      values_.push_back(read_number());
      return true;
  }
}

void JsonParser::open(JsonKind kind) {
  if (frames_.size() >= max_depth_) fail(at_, "more than " + std::to_string(max_depth_) + " nested arrays and objects");
  frames_.push_back({kind == JsonKind::object, values_.size(), keys_.size(), place_here(kind)});
  ++at_;
}

void JsonParser::close() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  const auto first = values_.begin() + static_cast<std::ptrdiff_t>(frame.first_value);
  if (frame.is_object) {
    check_keys(frame.first_key);
    auto members = std::make_shared<std::vector<JsonMember>>();
    members->reserve(static_cast<std::size_t>(values_.end() - first));
    auto key = keys_.begin() + static_cast<std::ptrdiff_t>(frame.first_key);
    for (auto value = first; value != values_.end(); ++value, ++key) {
      members->push_back({std::move(key->text), std::move(*value), key->line, key->col});
    }
    keys_.resize(frame.first_key);
    frame.value.contents_ = std::move(members);
  } else {
    frame.value.contents_ =
        std::make_shared<std::vector<JsonValue>>(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
  }
  values_.erase(first, values_.end());
  values_.push_back(std::move(frame.value));
}

void JsonParser::check_keys(std::size_t first_key) const {
  std::vector<const Key*> sorted;
  for (std::size_t i = first_key; i < keys_.size(); ++i) sorted.push_back(&keys_[i]);
  // Of equal keys the later one (higher in memory) stands behind and is the one reported.
  std::sort(sorted.begin(), sorted.end(), [](const Key* a, const Key* b) {
    const int order = a->text.compare(b->text);
    return order != 0 ? order < 0 : a < b;
  });
  const auto same = [](const Key* a, const Key* b) { return a->text == b->text; };
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end(), same);
  if (twice == sorted.end()) return;
  const Key& first = **twice;
  const Key& second = **(twice + 1);
  input_error(at_position(file_, second.line, second.col,
                          "key \"" + first.text + "\" is there already at " + std::to_string(first.line) + ":" +
                              std::to_string(first.col) + "; keep one of the two"));
}

void JsonParser::read_key() {
  if (*at_ != '"') fail(at_, "expected a key in double quotes, found " + shown(*at_));
  const JsonValue place = place_here(JsonKind::string);
  keys_.push_back({read_string(), place.line, place.col});
  skip_space();
  if (at_ == end_) fail_at_end();
  if (*at_ != ':') fail(at_, "expected ':' after the key, found " + shown(*at_));
  ++at_;
}

void JsonParser::read_word(std::string_view word, JsonValue value) {
  const char* const start = at_;
  if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) {
    fail(start, "expected a JSON value, found " + shown(*start) + "; text needs double quotes");
  }
  at_ += word.size();
  values_.push_back(std::move(value));
}

// -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?, or -Infinity.
JsonValue JsonParser::read_number() {
  const char* const start = at_;
  JsonValue value = place_here(JsonKind::number);
  const bool negative = *at_ == '-';
  if (negative) ++at_;
  if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with("Infinity")) {
    at_ += 8;
    value.number = -std::numeric_limits<double>::infinity();
    return value;
  }
  if (at_ == end_ || !is_digit(*at_)) fail(start, "'-' without a number behind it");
  const char* const digits = at_;
  while (at_ < end_ && is_digit(*at_)) ++at_;
  if (*digits == '0' && at_ - digits > 1) fail(start, "a number with a leading zero");
  value.is_integer_literal = true;
  if (at_ < end_ && *at_ == '.') {
    value.is_integer_literal = false;
    ++at_;
    if (at_ == end_ || !is_digit(*at_)) fail(start, "a number that ends in a decimal point; write 1.0 or 1");
    while (at_ < end_ && is_digit(*at_)) ++at_;
  }
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    value.is_integer_literal = false;
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (at_ == end_ || !is_digit(*at_)) fail(start, "a number whose exponent has no digits");
    while (at_ < end_ && is_digit(*at_)) ++at_;
  }
  if (value.is_integer_literal) value.fits_int64 = std::from_chars(start, at_, value.integer).ec == std::errc{};
  const std::from_chars_result result = std::from_chars(start, at_, value.number);
  if (result.ec == std::errc::result_out_of_range) {
    value.number = std::strtod(std::string(start, at_).c_str(), nullptr);
    if (std::isinf(value.number)) fail(start, "a number beyond the range of a double; write Infinity if that is meant");
  }
  return value;
}

std::string JsonParser::read_string() {
  const char* const start = at_++;
  std::string out;
  for (;;) {
    const char* const run = at_;
    while (at_ < end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20) {
      if (static_cast<unsigned char>(*at_) < 0x80) {
        ++at_;
        continue;
      }
      const int length = utf8_length(at_, end_);
      if (length == 0) fail(at_, shown(*at_) + " is no UTF-8; save the file as UTF-8");
      at_ += length;
    }
    out.append(run, at_);
    if (at_ == end_) fail(start, "a text that is never closed by '\"'");
    if (*at_ == '"') {
      ++at_;
      return out;
    }
    if (*at_ == '\n') fail(start, "a text that is not closed on its line; write a line break as \\n");
    if (*at_ != '\\') fail(at_, shown(*at_) + " inside a text; write it as an escape");
    read_escape(out);
  }
}

void JsonParser::read_escape(std::string& out) {
  const char* const start = at_++;
  if (at_ == end_) fail(start, "the text ends inside an escape");
  switch (*at_++) {
    case '"': out += '"'; return;
    case '\\': out += '\\'; return;
    case '/': out += '/'; return;
    case 'b': out += '\b'; return;
    case 'f': out += '\f'; return;
    case 'n': out += '\n'; return;
    case 'r': out += '\r'; return;
    case 't': out += '\t'; return;
    case 'u': break;
    default: fail(start, "unknown escape; JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
  }
  std::uint32_t code = read_hex4();
  if (code >= 0xDC00 && code <= 0xDFFF) fail(start, "the second half of a surrogate pair without the first");
  if (code >= 0xD800 && code <= 0xDBFF) {
    const bool paired = end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u';
    if (!paired) fail(start, "the first half of a surrogate pair without the second");
    at_ += 2;
    const std::uint32_t low = read_hex4();
    if (low < 0xDC00 || low > 0xDFFF) fail(start, "the first half of a surrogate pair without the second");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(out, code);
}

std::uint32_t JsonParser::read_hex4() {
  std::uint32_t code = 0;
  const char* const last = end_ - at_ >= 4 ? at_ + 4 : end_;
  const std::from_chars_result result = std::from_chars(at_, last, code, 16);
  if (last - at_ != 4 || result.ptr != last) fail(at_, "\\u needs four hexadecimal digits");
  at_ = last;
  return code;
}

const char* name_of(JsonKind kind) {
  switch (kind) {
    case JsonKind::null: return "null";
    case JsonKind::boolean: return "boolean";
    case JsonKind::number: return "number";
    case JsonKind::string: return "string";
    case JsonKind::array: return "array";
    case JsonKind::object: return "object";
  }
  return "";
}

const std::string& JsonValue::string() const {
  static const std::string empty;
  return kind == JsonKind::string ? *static_cast<const std::string*>(contents_.get()) : empty;
}

const std::vector<JsonValue>& JsonValue::array() const {
  static const std::vector<JsonValue> empty;
  return kind == JsonKind::array ? *static_cast<const std::vector<JsonValue>*>(contents_.get()) : empty;
}

const std::vector<JsonMember>& JsonValue::object() const {
  static const std::vector<JsonMember> empty;
  return kind == JsonKind::object ? *static_cast<const std::vector<JsonMember>*>(contents_.get()) : empty;
}

const JsonValue* JsonValue::find(std::string_view key) const {
  for (const JsonMember& member : object()) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::optional<double> JsonValue::real() const {
  if (kind == JsonKind::number) return number;
  if (kind != JsonKind::string) return std::nullopt;
  const std::optional<double> value = parse_number(string());
  if (!value || std::isfinite(*value) || string().ends_with(')')) return std::nullopt;
  const bool written_as_digits = string().find_first_of("0123456789") != std::string::npos;
  return written_as_digits ? std::nullopt : value;
}

JsonValue parse_json(std::string_view text, const std::string& file, const JsonLimits& limits) {
  return JsonParser(text, file, limits).parse();
}

JsonValue read_json(const std::filesystem::path& path, const JsonLimits& limits) {
  const std::string text = read_file(path);
  return parse_json(text, path == "-" ? "standard input" : path.string(), limits);
}

void input_error_at(const std::string& file, const JsonValue& value, const std::string& message) {
  input_error(at_position(file, value.line, value.col, message));
}

}  // namespace tenfold::data
