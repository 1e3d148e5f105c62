// Tokens of the Stan language. Comments and white space are dropped here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hmc-marg/ast.h"

namespace tenfold::hmc_marg {

struct Token {
  enum class Kind : std::uint8_t { identifier, integer, real, string, punctuation, end } kind = Kind::end;
  Position at;
  std::string_view text;  // as written, a part of the program's text; a string's without its quotes
  double number = 0;      // integer, real
  std::size_t offset = 0;  // of the first byte

  bool is(std::string_view what) const { return text == what && (kind == Kind::identifier || kind == Kind::punctuation); }
  std::size_t end_offset() const { return offset + text.size(); }
};

// The tokens of `text`, Kind::end last. They refer to `text`, which must outlive them. Throws Error(input) at the position of a
// byte that is no part of the language, an unterminated comment or string, a literal out of range, `#include`, an imaginary
// number.
std::vector<Token> lex(std::string_view text, const std::string& file);

// Throws Error(input) "FILE:LINE:COL: message".
[[noreturn]] void program_error(const std::string& file, Position at, const std::string& message);

}  // namespace tenfold::hmc_marg
