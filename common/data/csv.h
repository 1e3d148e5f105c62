// CSV of doubles with comment lines: what samplers write and read (CmdStan's dialect), row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::data {

// A row of shortest round-trip doubles with commas between and a line feed at the end.
void append_csv_row(std::string& out, std::span<const double> values);

// A text cell, quoted as RFC 4180 where it must be.
void append_csv_cell(std::string& out, std::string_view text);

// Writes to a file as rows come, through a buffer. Unlike a result, a chain's file grows while it is written: it is cut
// back to `bytes()` of the last checkpoint when a run resumes.
class CsvWriter {
 public:
  // A new file (an earlier one is emptied). Throws Error machine, as everything here.
  explicit CsvWriter(const std::filesystem::path& path);
  // Goes on with an existing file, cut to `length` bytes first. Throws Error input if the file is shorter.
  static CsvWriter resume(const std::filesystem::path& path, std::uint64_t length);
  CsvWriter(CsvWriter&& other) noexcept;
  CsvWriter& operator=(CsvWriter&& other) noexcept;
  ~CsvWriter();  // flushes; errors are lost, so call close()

  void comment(std::string_view text);  // "# text"; each of several lines gets its "# "
  void header(std::span<const std::string> names);
  void row(std::span<const double> values);
  void raw(std::string_view text);  // as is
  void flush();                     // to the system
  void sync();                      // to the disk
  void close();
  std::uint64_t bytes() const { return written_ + buffer_.size(); }  // of the file, flushed or not

 private:
  CsvWriter() = default;
  void flush_if_full();

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
  std::string buffer_;
};

struct CsvComment {
  std::size_t line = 0;        // from 1
  std::size_t rows_before = 0;  // data rows above it
  std::string text;            // after the '#' and one space
};

// values is row-major [rows, columns].
struct CsvTable {
  std::string file;
  std::vector<std::string> names;  // [columns], of the header line
  std::size_t header_line = 0;
  std::size_t rows = 0;
  std::vector<double> values;
  std::vector<CsvComment> comments;

  std::size_t columns() const { return names.size(); }
  double at(std::size_t row, std::size_t column) const { return values[row * names.size() + column]; }
  std::optional<std::size_t> find(std::string_view name) const;
  std::vector<double> column(std::size_t index) const;  // [rows]
};

// The first line that is neither empty nor a comment is the header; the rest are numbers (parse_number), true and false
// not among them. Throws Error input `FILE:LINE: ...` on a short or long row, on a cell that is no number, on a missing
// header or a name twice.
CsvTable parse_csv(std::string_view text, const std::string& file);
// Reads a file through a mapping; "-" is standard input.
CsvTable read_csv(const std::filesystem::path& path);

}  // namespace tenfold::data
