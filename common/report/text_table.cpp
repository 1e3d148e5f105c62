// Tables as text.
#include "report/text_table.h"

#include <algorithm>
#include <vector>

namespace tenfold::report {
namespace {

// Characters of UTF-8: bytes that do not continue one.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string table_text(const Table& table, std::size_t words) {
  std::vector<std::size_t> width(table.columns.size());
  const auto widen = [&](const std::vector<std::string>& cells) {
    for (std::size_t c = 0; c < width.size(); ++c) width[c] = std::max(width[c], width_of(cells[c]));
  };
  widen(table.columns);
  for (const auto& row : table.rows) widen(row);
  std::string text;
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string blanks(width[c] - width_of(cells[c]), ' ');
      out += (c < words ? cells[c] + blanks : blanks + cells[c]) + "  ";
    }
    out.erase(out.find_last_not_of(' ') + 1);
    text += out + "\n";
  };
  line(table.columns);
  for (const auto& row : table.rows) line(row);
  return text;
}

}  // namespace tenfold::report
