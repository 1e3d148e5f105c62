// Rows of words in a text file: the separator is found by looking at a line, words may be quoted as in CSV.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::gnnbench {

// ' ' stands for any run of blanks and tabs.
char detect_separator(std::string_view line);  // the first of tab, comma, semicolon that occurs; else ' '
const char* separator_name(char separator);    // "comma", ...

// The words of a line, without blanks around them and without their quotes. Views into the line; `words` is overwritten.
void split_words(std::string_view line, char separator, std::vector<std::string_view>& words);

// A whole number in its plain form (no plus, no leading zeros, at most 18 digits): what reads back as the same text.
std::optional<std::int64_t> whole_number(std::string_view word);

std::string columns_text(std::size_t columns);  // "1 column", "3 columns"

bool is_blank(std::string_view line);
bool is_comment(std::string_view line);  // begins with # or %

}  // namespace tenfold::gnnbench
