// Doubles as text.
#include "data/number.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace tenfold::data {

void append_number(std::string& out, double value) {
  char text[32];
  if (std::isnan(value)) {
    out += "nan";  // whatever its sign bit
    return;
  }
  const std::to_chars_result result = std::to_chars(text, text + sizeof text, value);
  out.append(text, result.ptr);
}

std::string number_text(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

std::optional<double> parse_number(std::string_view text) {
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return std::nullopt;
  }
  double value = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const std::from_chars_result result = std::from_chars(begin, end, value);
  if (result.ptr != end) return std::nullopt;
  if (result.ec == std::errc{}) return value;
  if (result.ec != std::errc::result_out_of_range) return std::nullopt;
  return std::strtod(std::string(text).c_str(), nullptr);  // rare: infinity, or the nearest subnormal
}

}  // namespace tenfold::data
