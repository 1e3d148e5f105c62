// CSV of doubles with comment lines: writing row by row, and reading.
#include "data/csv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace tenfold::data {

namespace {

constexpr std::size_t longest_number = 24;  // -2.2250738585072014e-308
constexpr std::size_t buffer_bytes = 1 << 16;

char* put_number(char* at, double value) {
  // Flags, counts and depths are small integers: written as such they cost a fifth. Five digits are never longer than
  // the shortest scientific form, so the text is the same.
  if (std::fabs(value) < 1e5) {
    const int whole = static_cast<int>(value);
    if (whole == value && !(whole == 0 && std::signbit(value))) return std::to_chars(at, at + longest_number, whole).ptr;
  }
  if (std::isnan(value)) {
    std::memcpy(at, "nan", 3);
    return at + 3;
  }
  return std::to_chars(at, at + longest_number, value).ptr;
}

}  // namespace

void append_csv_row(std::string& out, std::span<const double> values) {
  const std::size_t before = out.size();
  out.resize(before + values.size() * (longest_number + 1) + 1);
  char* at = out.data() + before;
  for (const double value : values) {
    at = put_number(at, value);
    *at++ = ',';
  }
  if (values.empty()) ++at;
  at[-1] = '\n';
  out.resize(static_cast<std::size_t>(at - out.data()));
}

void append_csv_cell(std::string& out, std::string_view text) {
  const bool plain = text.find_first_of(",\"\n\r") == std::string_view::npos && !text.starts_with('#');
  if (plain) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

CsvWriter::CsvWriter(const std::filesystem::path& path) : path_(path) {
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) machine_error(path.string() + ": cannot be written: " + std::strerror(errno));
}

CsvWriter CsvWriter::resume(const std::filesystem::path& path, std::uint64_t length) {
  CsvWriter writer;
  writer.path_ = path;
  writer.descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (writer.descriptor_ < 0) input_error(path.string() + ": cannot be continued: " + std::strerror(errno));
  struct stat status = {};
  if (::fstat(writer.descriptor_, &status) != 0 || static_cast<std::uint64_t>(status.st_size) < length) {
    input_error(path.string() + ": is shorter than its checkpoint says (" + std::to_string(length) + " bytes)");
  }
  const off_t end = static_cast<off_t>(length);
  if (::ftruncate(writer.descriptor_, end) != 0 || ::lseek(writer.descriptor_, end, SEEK_SET) != end) {
    machine_error(path.string() + ": cannot be cut back: " + std::strerror(errno));
  }
  writer.written_ = length;
  return writer;
}

CsvWriter::CsvWriter(CsvWriter&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      written_(std::exchange(other.written_, 0)),
      buffer_(std::exchange(other.buffer_, {})) {}

CsvWriter& CsvWriter::operator=(CsvWriter&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(written_, other.written_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

CsvWriter::~CsvWriter() {
  if (descriptor_ < 0) return;
  try {
    flush();
  } catch (const Error&) {
    // Told by close(), which whoever cares has called.
  }
  ::close(descriptor_);
}

void CsvWriter::comment(std::string_view text) {
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    buffer_ += end == start ? "#" : "# ";
    buffer_ += text.substr(start, end - start);
    buffer_ += '\n';
    start = end + 1;
  }
  flush_if_full();
}

void CsvWriter::header(std::span<const std::string> names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) buffer_ += ',';
    append_csv_cell(buffer_, names[i]);
  }
  buffer_ += '\n';
  flush_if_full();
}

void CsvWriter::row(std::span<const double> values) {
  append_csv_row(buffer_, values);
  flush_if_full();
}

void CsvWriter::raw(std::string_view text) {
  buffer_ += text;
  flush_if_full();
}

void CsvWriter::flush_if_full() {
  if (buffer_.size() >= buffer_bytes) flush();
}

void CsvWriter::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t written = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      buffer_.erase(0, done);
      written_ += done;
      machine_error(path_.string() + ": cannot be written: " + std::strerror(error));
    }
    done += static_cast<std::size_t>(written);
  }
  written_ += done;
  buffer_.clear();
}

void CsvWriter::sync() {
  flush();
  if (::fsync(descriptor_) != 0 && errno != EINVAL) {
    machine_error(path_.string() + ": cannot be written: " + std::strerror(errno));
  }
}

void CsvWriter::close() {
  if (descriptor_ < 0) return;
  flush();
  if (::close(std::exchange(descriptor_, -1)) != 0) {
    machine_error(path_.string() + ": cannot be written: " + std::strerror(errno));
  }
}

}  // namespace tenfold::data
