// The lexer: longest match, positions in bytes from 1.
#include "hmc-marg/lex.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/error.h"

namespace tenfold::hmc_marg {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

constexpr std::size_t kMaxName = 200;

// Longest first, so that the first match is the longest one.
constexpr auto kPunctuation = std::to_array<std::string_view>(
    {".*=", "./=", "%/%", ".*", "./", ".^", "+=", "-=", "*=", "/=", "<=", ">=", "==", "!=", "&&", "||", "{", "}", "(", ")",
     "[",   "]",   ",",   ";",  ":",  "?",  "=",  "+",  "-",  "*",  "/",  "%",  "\\", "^",  "'",  "!",  "<", ">", "|", "~"});

class Lexer {
 public:
  Lexer(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  std::vector<Token> run() {
    if (text_.starts_with("\xEF\xBB\xBF")) offset_ = line_start_ = 3;
    std::vector<Token> tokens;
    tokens.reserve(text_.size() / 4 + 1);
    for (;;) {
      skip_space();
      if (offset_ >= text_.size()) break;
      tokens.push_back(next());
    }
    tokens.push_back({Token::Kind::end, here(), {}, 0, offset_});
    return tokens;
  }

 private:
  Position here() const { return position_of(offset_); }
  Position position_of(std::size_t offset) const { return {line_, static_cast<int>(offset - line_start_) + 1}; }
  char peek(std::size_t ahead = 0) const { return offset_ + ahead < text_.size() ? text_[offset_ + ahead] : '\0'; }
  [[noreturn]] void fail(Position at, const std::string& message) const { program_error(file_, at, message); }

  void newline() {
    ++line_;
    line_start_ = offset_ + 1;
  }

  void skip_space() {
    while (offset_ < text_.size()) {
      const char c = text_[offset_];
      if (c == '\n') {
        newline();
        ++offset_;
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
        ++offset_;
      } else if (c == '#') {
        if (text_.substr(offset_).starts_with("#include"))
          fail(here(), "#include runs in CmdStan, not here; paste the file's text in its place");
        skip_line();
      } else if (c == '/' && peek(1) == '/') {
        skip_line();
      } else if (c == '/' && peek(1) == '*') {
        skip_comment();
      } else {
        return;
      }
    }
  }

  void skip_line() {
    while (offset_ < text_.size() && text_[offset_] != '\n') ++offset_;
  }

  void skip_comment() {
    const Position start = here();
    for (offset_ += 2; offset_ + 1 < text_.size(); ++offset_) {
      if (text_[offset_] == '*' && text_[offset_ + 1] == '/') {
        offset_ += 2;
        return;
      }
      if (text_[offset_] == '\n') newline();
    }
    fail(start, "this comment has no end; close it with */");
  }

  Token next() {
    const char c = text_[offset_];
    if (is_letter(c)) return word();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (c == '"') return string();
    for (const std::string_view mark : kPunctuation)
      if (text_.substr(offset_).starts_with(mark)) return take(Token::Kind::punctuation, mark.size());
    const auto byte = static_cast<unsigned char>(c);
    if (c == '_') fail(here(), "a name cannot begin with an underscore; begin it with a letter");
    if (byte > 32 && byte < 127) fail(here(), fmt::format("`{}` is no part of the language; remove it", c));
    fail(here(),
         fmt::format("byte 0x{:02x} is no part of the language; only comments and strings may hold other than ASCII text", byte));
  }

  Token take(Token::Kind kind, std::size_t length) {
    const Token token{kind, here(), text_.substr(offset_, length), 0, offset_};
    offset_ += length;
    return token;
  }

  Token word() {
    std::size_t length = 1;
    while (is_word(peek(length))) ++length;
    if (length > kMaxName)
      fail(here(), fmt::format("a name has at most {1} letters, this one {0}; shorten it", length, kMaxName));
    return take(Token::Kind::identifier, length);
  }

  // Digits with underscores between them; returns where they end.
  std::size_t digits(std::size_t from) const {
    while (is_digit(peek(from)) || (peek(from) == '_' && is_digit(peek(from + 1)))) ++from;
    return from;
  }

  Token number() {
    std::size_t length = digits(0);
    bool real = false;
    if (peek(length) == '.') {
      real = true;
      length = digits(length + 1);
    }
    if (peek(length) == 'e' || peek(length) == 'E') {
      const std::size_t sign = peek(length + 1) == '+' || peek(length + 1) == '-' ? 1 : 0;
      if (is_digit(peek(length + 1 + sign))) {
        real = true;
        length = digits(length + 1 + sign);
      }
    }
    if (peek(length) == 'i' && !is_word(peek(length + 1)))
      fail(here(), "complex numbers run in CmdStan, not here; remove the imaginary literal");
    if (is_word(peek(length)))
      fail(position_of(offset_ + length), fmt::format("`{}` follows a number; put an operator between them", peek(length)));
    Token token = take(real ? Token::Kind::real : Token::Kind::integer, length);
    token.number = value(token, real);
    return token;
  }

  double value(const Token& token, bool real) const {
    std::string digits;
    for (const char c : token.text)
      if (c != '_') digits += c;
    double number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc::result_out_of_range) {
      if (real && digits.find("e-") == std::string::npos && digits.find("E-") == std::string::npos)
        fail(token.at, "this number is too large for a real; the largest is about 1.8e308");
      number = real ? 0 : 1e300;
    }
    if (!real && number > 2147483647.0)
      fail(token.at, "this integer is larger than 2147483647; write it as a real, with a decimal point");
    return number;
  }

  Token string() {
    const Position start = here();
    std::size_t length = 1;
    while (offset_ + length < text_.size() && text_[offset_ + length] != '"' && text_[offset_ + length] != '\n') ++length;
    if (offset_ + length >= text_.size() || text_[offset_ + length] == '\n')
      fail(start, "this string has no end; close it with \" on the same line");
    const Token token{Token::Kind::string, start, text_.substr(offset_ + 1, length - 1), 0, offset_ + 1};
    offset_ += length + 1;
    return token;
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t offset_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<Token> lex(std::string_view text, const std::string& file) { return Lexer(text, file).run(); }

void program_error(const std::string& file, Position at, const std::string& message) {
  input_error(at_position(file, static_cast<std::size_t>(at.line), static_cast<std::size_t>(at.column), message));
}

}  // namespace tenfold::hmc_marg
