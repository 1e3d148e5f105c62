// Reading CSV of doubles, every fault with its line.
#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/error.h"
#include "base/files.h"
#include "data/csv.h"
#include "data/number.h"

namespace tenfold::data {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view unquoted(std::string_view cell) {
  const bool quoted = cell.size() >= 2 && cell.front() == '"' && cell.back() == '"';
  return quoted ? cell.substr(1, cell.size() - 2) : cell;
}

// A cell for a message: short, and without bytes that would garble a terminal.
std::string shown(std::string_view cell) {
  constexpr std::size_t longest = 30;
  std::string text = "'";
  for (const char c : cell.substr(0, longest)) {
    const unsigned char byte = static_cast<unsigned char>(c);
    text += byte >= 0x20 && byte != 0x7F ? c : '?';
  }
  return text + (cell.size() > longest ? "...'" : "'");
}

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& file) : text_(text) { table_.file = file; }

  CsvTable parse() {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
    while (!text_.empty()) {
      const std::string_view line = trimmed(next_line());
      if (line.empty()) continue;
      if (line.front() == '#') {
        add_comment(line.substr(1));
      } else if (table_.header_line == 0) {
        read_header(line);
      } else {
        read_row(line);
      }
    }
    if (table_.header_line == 0) fail("no header line; the first line that is no comment names the columns");
    return std::move(table_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    input_error(at_position(table_.file, std::max<std::size_t>(line_, 1), 0, message));
  }

  std::string_view next_line() {
    ++line_;
    const std::size_t end = text_.find('\n');
    std::string_view line = text_.substr(0, end);
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    ended_ = end != std::string_view::npos;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  void add_comment(std::string_view text) {
    if (text.starts_with(' ')) text.remove_prefix(1);
    table_.comments.push_back({line_, table_.rows, std::string(text)});
  }

  void read_header(std::string_view line) {
    table_.header_line = line_;
    for (std::size_t at = 0; at <= line.size();) table_.names.push_back(header_cell(line, at));
    std::unordered_set<std::string_view> seen;
    for (const std::string& name : table_.names) {
      if (!seen.insert(name).second) fail("two columns are named " + shown(name));
    }
    // A guess from the first row's length would be no better: most rows are longer than their names.
    const std::size_t rows = text_.size() / (line.size() + 1) + 1;
    table_.values.reserve(std::min(rows * table_.names.size(), text_.size() / 2 + 1));
  }

  // Reads one cell from `at`, which is left behind its comma (or beyond the end after the last).
  std::string header_cell(std::string_view line, std::size_t& at) const {
    std::string name;
    if (at < line.size() && line[at] == '"') {
      for (++at;; ++at) {
        if (at >= line.size()) fail("a quote in the header is never closed");
        if (line[at] == '"') {
          if (at + 1 >= line.size() || line[at + 1] != '"') break;
          ++at;
        }
        name += line[at];
      }
      ++at;
      if (at < line.size() && line[at] != ',') fail("text behind a quoted name in the header");
      ++at;
      return name;
    }
    const std::size_t end = std::min(line.find(',', at), line.size());
    name = trimmed(line.substr(at, end - at));
    at = end + 1;
    return name;
  }

  void read_row(std::string_view line) {
    const std::size_t columns = table_.names.size();
    const std::size_t before = table_.values.size();
    const char* at = line.data();
    const char* const end = at + line.size();
    for (;;) {
      const void* found = std::memchr(at, ',', static_cast<std::size_t>(end - at));
      const char* const stop = found == nullptr ? end : static_cast<const char*>(found);
      if (table_.values.size() - before < columns) {
        const std::string_view cell(at, static_cast<std::size_t>(stop - at));
        std::optional<double> value = parse_number(cell);
        if (!value) value = parse_number(unquoted(trimmed(cell)));
        if (!value) bad_cell(cell, table_.values.size() - before);
        table_.values.push_back(*value);
      } else {
        fail("a row of " + std::to_string(count_cells(line)) + " values under " + std::to_string(columns) + " names");
      }
      if (stop == end) break;
      at = stop + 1;
    }
    if (table_.values.size() - before < columns) {
      fail("a row of " + std::to_string(table_.values.size() - before) + " values under " + std::to_string(columns) + " names" +
           (ended_ ? "" : "; the file is cut off here"));
    }
    ++table_.rows;
  }

  static std::size_t count_cells(std::string_view line) {
    return static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')) + 1;
  }

  [[noreturn]] void bad_cell(std::string_view cell, std::size_t column) const {
    fail(shown(trimmed(cell)) + " in column " + shown(table_.names[column]) + " is no number");
  }

  std::string_view text_;
  std::size_t line_ = 0;
  bool ended_ = true;  // the line at hand had a line feed
  CsvTable table_;
};

}  // namespace

CsvTable parse_csv(std::string_view text, const std::string& file) { return CsvParser(text, file).parse(); }

CsvTable read_csv(const std::filesystem::path& path) {
  if (path == "-") return parse_csv(read_file(path), "standard input");
  if (!std::filesystem::is_regular_file(path)) return parse_csv(read_file(path), path.string());  // a pipe, or an error
  return parse_csv(MappedFile(path).text(), path.string());
}

std::optional<std::size_t> CsvTable::find(std::string_view name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

std::vector<double> CsvTable::column(std::size_t index) const {
  std::vector<double> out(rows);
  for (std::size_t row = 0; row < rows; ++row) out[row] = at(row, index);
  return out;
}

}  // namespace tenfold::data
