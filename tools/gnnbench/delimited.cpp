// Words of text lines.
#include "gnnbench/delimited.h"

#include <algorithm>

namespace tenfold::gnnbench {

namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view word) {
  const std::size_t begin = word.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return word.substr(begin, word.find_last_not_of(blanks) - begin + 1);
}

}  // namespace

char detect_separator(std::string_view line) {
  for (const char c : {'\t', ',', ';'})
    if (line.find(c) != std::string_view::npos) return c;
  return ' ';
}

const char* separator_name(char separator) {
  return separator == '\t' ? "tab" : separator == ',' ? "comma" : separator == ';' ? "semicolon" : "blanks";
}

void split_words(std::string_view line, char separator, std::vector<std::string_view>& words) {
  words.clear();
  if (separator == ' ') {
    for (std::size_t begin = line.find_first_not_of(blanks); begin != std::string_view::npos;) {
      const std::size_t end = std::min(line.find_first_of(blanks, begin), line.size());
      words.push_back(line.substr(begin, end - begin));
      begin = line.find_first_not_of(blanks, end);
    }
    return;
  }
  for (std::size_t begin = 0;;) {
    const std::size_t first = line.find_first_not_of(separator == '\t' ? " " : blanks, begin);
    std::size_t end = std::min(line.find(separator, begin), line.size());
    if (first != std::string_view::npos && line[first] == '"') {
      const std::size_t quote = line.find('"', first + 1);
      if (quote != std::string_view::npos) {
        end = std::min(line.find(separator, quote), line.size());
        words.push_back(line.substr(first + 1, quote - first - 1));
      } else {
        words.push_back(trimmed(line.substr(begin, end - begin)));
      }
    } else {
      words.push_back(trimmed(line.substr(begin, end - begin)));
    }
    if (end == line.size()) return;
    begin = end + 1;
  }
}

std::optional<std::int64_t> whole_number(std::string_view word) {
  const bool negative = word.starts_with('-');
  const std::string_view digits = word.substr(negative ? 1 : 0);
  if (digits.empty() || digits.size() > 18 || (digits[0] == '0' && (digits.size() > 1 || negative))) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = 10 * value + (c - '0');
  }
  return negative ? -value : value;
}

std::string columns_text(std::size_t columns) { return std::to_string(columns) + (columns == 1 ? " column" : " columns"); }

bool is_blank(std::string_view line) { return line.find_first_not_of(blanks) == std::string_view::npos; }

bool is_comment(std::string_view line) { return line.starts_with('#') || line.starts_with('%'); }

}  // namespace tenfold::gnnbench
