// Lines of a text file, of standard input or of gzip, as they come: memory does not grow with the file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tenfold::data {

class LineReader {
 public:
  // "-" is standard input. What begins as gzip is inflated, several members after one another included. Throws Error input where
  // the file cannot be read.
  explicit LineReader(const std::filesystem::path& path);
  // Over bytes held elsewhere, which must outlive this.
  LineReader(std::string_view bytes, std::string file);
  LineReader(LineReader&&) noexcept;
  ~LineReader();

  // The next line without its end (LF or CR LF), valid until the next call; nothing at the end. The last line needs no end. A
  // byte order mark at the beginning is no part of the text. Throws Error input, `FILE: byte N: ...`, where gzip ends early or
  // its checksum is wrong, and for a line beyond 1 GiB or with a NUL byte in it (a binary file).
  std::optional<std::string_view> next();

  std::size_t line() const;  // number of the line that next() gave, from 1
  const std::string& file() const;  // for messages

 private:
  struct Source;
  std::unique_ptr<Source> source_;
};

}  // namespace tenfold::data
