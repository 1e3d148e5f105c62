// The lexer: longest match, numbers, comments, positions, bytes that are no part of the language.
#include "hmc-marg/lex.h"

#include <doctest/doctest.h>

#include "hmc-marg/language_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using tenfold::hmc_marg::testing::refusal;

namespace {

std::string words(const std::string& text) {
  std::string joined;
  for (const Token& token : lex(text, "m.stan"))
    if (token.kind != Token::Kind::end) joined += (joined.empty() ? "" : " ") + std::string(token.text);
  return joined;
}

std::string lex_error(const std::string& text) {
  try {
    lex(text, "m.stan");
    return "";
  } catch (const Error& error) {
    return error.message();
  }
}

}  // namespace

TEST_CASE("the longest token wins") {
  CHECK(words("a.*=b./c.^d%/%e%f") == "a .*= b ./ c .^ d %/% e % f");
  CHECK(words("a<=b<c>=d==e!=!f||g|h") == "a <= b < c >= d == e != ! f || g | h");
  CHECK(words("1.*x") == "1. * x");
  CHECK(words("x'*y'") == "x ' * y '");
}

TEST_CASE("numbers are integers or reals as they are written") {
  const std::vector<Token> tokens = lex("1_000 2. .5 1e3 2.5E-1 007 1e-400", "m.stan");
  const double expected[] = {1000, 2, 0.5, 1000, 0.25, 7, 0};
  for (std::size_t i = 0; i < 7; ++i) {
    CHECK(tokens[i].number == expected[i]);
    CHECK((tokens[i].kind == Token::Kind::integer) == (i == 0 || i == 5));
  }
  CHECK(lex_error("2147483648") ==
        "m.stan:1:1: this integer is larger than 2147483647; write it as a real, with a decimal point");
  CHECK(lex_error("") == "");
  CHECK(lex_error("x = 1e999") == "m.stan:1:5: this number is too large for a real; the largest is about 1.8e308");
  CHECK(lex_error("x = 2y") == "m.stan:1:6: `y` follows a number; put an operator between them");
  CHECK(testing::contains(lex_error("z = 1.5i"), "complex numbers run in CmdStan, not here"));
}

TEST_CASE("comments vanish, also those of older programs, and positions go on after them") {
  const std::vector<Token> tokens = lex("a // b\n/* c\n d */ e # f\n\tg", "m.stan");
  REQUIRE(tokens.size() == 4);
  CHECK(tokens[1].text == "e");
  CHECK(tokens[1].at.line == 3);
  CHECK(tokens[1].at.column == 7);
  CHECK(tokens[2].at.line == 4);
  CHECK(tokens[2].at.column == 2);
  CHECK(words("// \xC3\xA9\n x") == "x");
  CHECK(words("\xEF\xBB\xBF"
              "data") == "data");
  CHECK(lex("a\r\nb", "m.stan")[1].at.line == 2);
}

TEST_CASE("what does not end or does not belong is shown where it begins") {
  CHECK(lex_error("model {\n  /* never closed") == "m.stan:2:3: this comment has no end; close it with */");
  CHECK(lex_error("print(\"a\n\")") == "m.stan:1:7: this string has no end; close it with \" on the same line");
  CHECK(lex_error("a \xFF") ==
        "m.stan:1:3: byte 0xff is no part of the language; only comments and strings may hold other than ASCII text");
  CHECK(testing::contains(lex_error(std::string("ab\0c", 4)), "m.stan:1:3: byte 0x00"));
  CHECK(lex_error("a $ b") == "m.stan:1:3: `$` is no part of the language; remove it");
  CHECK(testing::contains(lex_error("_x"), "cannot begin with an underscore"));
  CHECK(lex_error("functions {\n#include foo.stan\n}") ==
        "m.stan:2:1: #include runs in CmdStan, not here; paste the file's text in its place");
  CHECK(refusal("/*/") == "m.stan:1:1: this comment has no end; close it with */");
}

TEST_CASE("names may be long, but not endless") {
  CHECK(lex_error(std::string(200, 'x')) == "");
  CHECK(lex_error(std::string(201, 'x')) == "m.stan:1:1: a name has at most 200 letters, this one 201; shorten it");
}
