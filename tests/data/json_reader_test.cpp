// The positioned JSON reader.
#include "data/json_reader.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/json.h"

using namespace tenfold;
using namespace tenfold::data;

namespace {

std::string error_of(std::string_view text, const JsonLimits& limits = {}) {
  try {
    parse_json(text, "f.json", limits);
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    return error.what();
  }
  return "no error";
}

bool fails_at(std::string_view text, const std::string& place, const std::string& words) {
  const std::string error = error_of(text);
  const bool right = error.starts_with("f.json:" + place + ": ") && error.find(words) != std::string::npos;
  if (!right) MESSAGE(text, " gave ", error);
  return right;
}

}  // namespace

TEST_CASE("every value keeps its line and column") {
  const JsonValue root = parse_json("{\"a\": [1,\n  -2.5, \"x\"],\r\n\"b\": {\"c\": null, \"d\": true}}", "f.json");
  const JsonValue& a = *root.find("a");
  CHECK(root.line == 1);
  CHECK(root.col == 1);
  CHECK(a.col == 7);
  CHECK(a.array()[0].col == 8);
  CHECK(a.array()[1].line == 2);
  CHECK(a.array()[1].col == 3);
  CHECK(a.array()[2].string() == "x");
  const JsonMember& b = root.object()[1];
  CHECK(b.key == "b");
  CHECK(b.line == 3);
  CHECK(b.value.find("c")->kind == JsonKind::null);
  CHECK(b.value.find("c")->col == 12);
  CHECK(b.value.find("d")->boolean);
  CHECK(b.value.find("e") == nullptr);
}

TEST_CASE("an integer is what is written as one") {
  const JsonValue root = parse_json("[1, 1.0, 1e0, -0, 9223372036854775807, 9223372036854775808, -7]", "f.json");
  const auto& v = root.array();
  CHECK(v[0].is_integer_literal);
  CHECK_FALSE(v[1].is_integer_literal);
  CHECK_FALSE(v[2].is_integer_literal);
  CHECK(v[3].is_integer_literal);
  CHECK(std::signbit(v[3].number));
  CHECK(v[4].integer == std::numeric_limits<std::int64_t>::max());
  CHECK(v[4].fits_int64);
  CHECK(v[5].is_integer_literal);
  CHECK_FALSE(v[5].fits_int64);
  CHECK(v[5].number == 9223372036854775808.0);
  CHECK(v[6].integer == -7);
}

TEST_CASE("numbers are the nearest doubles") {
  const JsonValue root =
      parse_json("[0.1, 1e-400, 2.2250738585072014e-308, 4.9e-324, 123456789012345678901234567890, 1E+2]", "f");
  const auto& v = root.array();
  CHECK(v[0].number == 0.1);
  CHECK(v[1].number == 0);
  CHECK(v[2].number == 2.2250738585072014e-308);
  CHECK(v[3].number == 4.9e-324);
  CHECK(v[4].number == 123456789012345678901234567890.0);
  CHECK(v[5].number == 100);
}

TEST_CASE("NaN and infinities, bare as Python writes them and quoted as CmdStan reads them") {
  const JsonValue root = parse_json(
      "[NaN, Infinity, -Infinity, \"NaN\", \"Inf\", \"-Inf\", \"+inf\", \"Infinity\", \"-Infinity\", \"1.5\", \"\", \"x\"]", "f");
  const auto& v = root.array();
  CHECK(std::isnan(v[0].number));
  CHECK_FALSE(v[0].is_integer_literal);
  CHECK(v[1].number == std::numeric_limits<double>::infinity());
  CHECK(v[2].number == -std::numeric_limits<double>::infinity());
  CHECK(std::isnan(v[3].real().value()));
  CHECK(v[4].real().value() > 0);
  CHECK(v[5].real().value() < 0);
  CHECK(v[6].real().value() > 0);
  CHECK(v[7].real().value() > 0);
  CHECK(v[8].real().value() < 0);
  CHECK_FALSE(v[9].real().has_value());  // a number in quotes is text
  CHECK_FALSE(v[10].real().has_value());
  CHECK_FALSE(v[11].real().has_value());
  CHECK_FALSE(parse_json("null", "f").real().has_value());
}

TEST_CASE("text with escapes, surrogate pairs and UTF-8") {
  CHECK(parse_json(R"("a\"\\\/\b\f\n\r\tz")", "f").string() == "a\"\\/\b\f\n\r\tz");
  CHECK(parse_json(R"("\u0041\u00e9\u20AC\ud83d\ude00")", "f").string() == "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(parse_json("\"\xE2\x82\xAC\"", "f").string() == "\xE2\x82\xAC");
  CHECK(parse_json("\"\\u0000\"", "f").string() == std::string(1, '\0'));
}

TEST_CASE("scalars, empty containers and a byte order mark stand alone") {
  CHECK(parse_json(" 7 \n", "f").number == 7);
  CHECK(parse_json("[]", "f").array().empty());
  CHECK(parse_json("{ }", "f").object().empty());
  CHECK(parse_json("\xEF\xBB\xBF[1]", "f").array()[0].col == 2);
}

TEST_CASE("broken syntax is told with its place") {
  CHECK(fails_at("", "1:1", "empty"));
  CHECK(fails_at("\n\n  ", "3:3", "ends"));
  CHECK(fails_at("[1,\n2", "2:2", "inside the array begun at 1:1"));
  CHECK(fails_at("{\"a\":", "1:6", "inside the object begun at 1:1"));
  CHECK(fails_at("[1,]", "1:4", "comma"));
  CHECK(fails_at("{\"a\":1,}", "1:8", "comma"));
  CHECK(fails_at("[1 2]", "1:4", "expected ','"));
  CHECK(fails_at("[1}", "1:3", "expected ','"));
  CHECK(fails_at("{a:1}", "1:2", "key in double quotes"));
  CHECK(fails_at("{\"a\" 1}", "1:6", "':'"));
  CHECK(fails_at("{\"a\":1}\n x", "2:2", "after the end"));
  CHECK(fails_at("[tru]", "1:2", "expected a JSON value"));
  CHECK(fails_at("hello", "1:1", "expected a JSON value"));
  CHECK(fails_at("'a'", "1:1", "expected a JSON value"));
  CHECK(fails_at("]", "1:1", "expected a JSON value"));
  CHECK(fails_at("\xff\xfe", "1:1", "byte 0xff"));
}

TEST_CASE("numbers that JSON does not have") {
  CHECK(fails_at("[01]", "1:2", "leading zero"));
  CHECK(fails_at("[1.]", "1:2", "decimal point"));
  CHECK(fails_at("[.5]", "1:2", "expected a JSON value"));
  CHECK(fails_at("[+1]", "1:2", "expected a JSON value"));
  CHECK(fails_at("[-]", "1:2", "'-' without"));
  CHECK(fails_at("[-NaN]", "1:2", "'-' without"));
  CHECK(fails_at("[1e]", "1:2", "exponent"));
  CHECK(fails_at("[1e999]", "1:2", "range"));
  CHECK(fails_at("[-1e999]", "1:2", "range"));
  CHECK(fails_at("[0x10]", "1:3", "expected ','"));
}

TEST_CASE("broken text") {
  CHECK(fails_at("[\"ab", "1:2", "never closed"));
  CHECK(fails_at("[\"a\nb\"]", "1:2", "not closed on its line"));
  CHECK(fails_at("[\"a\tb\"]", "1:4", "byte 0x09"));
  CHECK(fails_at(R"(["\x"])", "1:3", "unknown escape"));
  CHECK(fails_at(R"(["\u12"])", "1:5", "four hexadecimal"));
  CHECK(fails_at(R"(["\ud800"])", "1:3", "surrogate"));
  CHECK(fails_at(R"(["\ud800\u0041"])", "1:3", "surrogate"));
  CHECK(fails_at(R"(["\udc00"])", "1:3", "surrogate"));
  for (const char* bad : {"[\"\x80\"]", "[\"\xC0\xAF\"]", "[\"\xE0\x80\x80\"]", "[\"\xED\xA0\x80\"]", "[\"\xF4\x90\x80\x80\"]",
                          "[\"\xF8\x88\x80\x80\x80\"]", "[\"\xE2\x82\"]"}) {
    CHECK(fails_at(bad, "1:3", "no UTF-8"));
  }
}

TEST_CASE("a key twice in one object is refused, in two objects it is not") {
  CHECK(fails_at("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", "3:2", "already at 1:2"));
  CHECK(fails_at("{\"a\": 1, \"\\u0061\": 3}", "1:10", "already"));
  CHECK(parse_json("[{\"a\": 1}, {\"a\": 1}]", "f").array().size() == 2);
}

TEST_CASE("nesting is limited, and ten thousand deep is no stack's problem") {
  CHECK(error_of(std::string(513, '[')).find("f.json:1:513: more than 512 nested") == 0);
  CHECK(error_of(std::string(512, '[') + std::string(512, ']')) == "no error");
  CHECK(error_of("[[1]]", {.max_depth = 1}).find("1:2: more than 1") != std::string::npos);
  CHECK(error_of(std::string(10000, '[') + std::string(10000, ']'), {.max_depth = 1 << 30}) == "no error");
  CHECK(error_of(std::string(3000000, '[')).find("more than 512") != std::string::npos);
}

TEST_CASE("values outlive the text, the parent and copies") {
  JsonValue inner;
  {
    const std::string text = "{\"a\": [\"long enough to live on the heap, and then some\"]}";
    inner = parse_json(text, "f").find("a")->array()[0];
  }
  CHECK(inner.string() == "long enough to live on the heap, and then some");
}

TEST_CASE("to_json keeps order, integers and reals") {
  CHECK(to_json(parse_json("{\"b\": [1, 1.5, true, null, \"x\"], \"a\": {}}", "f")).dump() ==
        "{\"b\":[1,1.5,true,null,\"x\"],\"a\":{}}");
}

TEST_CASE("what dump_json writes is null where JSON has no number") {
  Json value = {{"a", std::nan("")}, {"b", {1.5, std::numeric_limits<double>::infinity()}}, {"c", "\xff"}};
  CHECK(dump_json(value) == "{\"a\":null,\"b\":[1.5,null],\"c\":\"\xEF\xBF\xBD\"}");
  CHECK(count_non_finite(value) == 2);
  CHECK(dump_json(Json{{"z", 1}, {"a", 2}}, 1) == "{\n \"z\": 1,\n \"a\": 2\n}");
}
