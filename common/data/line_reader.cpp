// Reading text line by line, inflating where need be.
#include "data/line_reader.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace tenfold::data {

namespace {

constexpr std::size_t block = 1 << 18;
constexpr std::size_t longest_line = std::size_t{1} << 30;

}  // namespace

struct LineReader::Source {
  std::string file;
  int descriptor = -1;            // or
  std::string_view memory;        // what is not taken of it
  std::vector<char> raw;          // as the file has it: [taken, filled)
  std::size_t taken = 0, filled = 0;
  std::size_t offset = 0;         // of raw[filled] in the file
  bool gzip = false, inside_member = false, inflating = false;
  z_stream stream = {};
  std::vector<char> text;         // inflated: [begin, end)
  std::size_t begin = 0, end = 0;
  std::size_t line = 0;

  ~Source() {
    if (descriptor >= 0) ::close(descriptor);
    if (inflating) inflateEnd(&stream);
  }

  [[noreturn]] void fail(const std::string& what) const {
    input_error(file + ": byte " + std::to_string(offset - (filled - taken)) + ": " + what);
  }

  // More of the file into raw; false at its end.
  bool refill() {
    if (taken < filled) return true;
    taken = filled = 0;
    raw.resize(block);
    if (descriptor < 0) {
      filled = std::min(memory.size(), block);
      std::memcpy(raw.data(), memory.data(), filled);
      memory.remove_prefix(filled);
    } else {
      ssize_t got = 0;
      do got = ::read(descriptor, raw.data(), block);
      while (got < 0 && errno == EINTR);
      if (got < 0) input_error(file + ": cannot be read: " + (errno == EISDIR ? "is a folder" : std::strerror(errno)));
      filled = static_cast<std::size_t>(got);
    }
    offset += filled;
    return filled > 0;
  }

  // gzip's two bytes come in one read from files, and from pipes whose writer is no slower than a byte a time.
  void sniff() {
    if (!refill()) return;
    gzip = filled >= 2 && static_cast<unsigned char>(raw[0]) == 0x1f && static_cast<unsigned char>(raw[1]) == 0x8b;
  }

  // Room for a block after what is left of the text.
  void make_room() {
    if (begin > 0) std::memmove(text.data(), text.data() + begin, end - begin);
    end -= begin;
    begin = 0;
    if (text.size() < end + block) text.resize(std::max(end + block, 2 * text.size()));
  }

  // More text; false at its end.
  bool more() {
    make_room();
    if (!gzip) {
      if (!refill()) return false;
      std::memcpy(text.data() + end, raw.data() + taken, filled - taken);
      end += filled - taken;
      taken = filled;
      return true;
    }
    for (;;) {
      const bool have = refill();
      if (!have && !inside_member) return false;
      if (!have) fail("the gzip stream ends early");
      if (!inside_member) begin_member();
      const std::size_t before = end;
      inflate_some();
      if (end > before) return true;
    }
  }

  void begin_member() {
    const int status =
        inflating ? inflateReset(&stream) : inflateInit2(&stream, 15 + 16);  // + 16: gzip's own header and checksum
    if (status != Z_OK) machine_error(file + ": zlib does not start");
    inflating = inside_member = true;
  }

  void inflate_some() {
    stream.next_in = reinterpret_cast<Bytef*>(raw.data() + taken);
    stream.avail_in = static_cast<uInt>(filled - taken);
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + end);
    stream.avail_out = static_cast<uInt>(block);
    const int status = inflate(&stream, Z_NO_FLUSH);
    taken = filled - stream.avail_in;
    end += block - stream.avail_out;
    if (status == Z_MEM_ERROR) machine_error(file + ": out of memory while inflating");
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      fail("the gzip stream is damaged" + std::string(stream.msg != nullptr ? " (" + std::string(stream.msg) + ")" : ""));
    if (status == Z_STREAM_END) inside_member = false;
  }

  std::optional<std::string_view> next() {
    std::size_t searched = 0;
    for (;;) {
      const void* found = std::memchr(text.data() + begin + searched, '\n', end - begin - searched);
      if (found != nullptr) return take(static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) - begin, 1);
      searched = end - begin;
      if (searched > longest_line) input_error(at_position(file, line + 1, 0, "a line of more than 1 GiB; this is no text"));
      if (!more()) return searched == 0 ? std::nullopt : take(searched, 0);
    }
  }

  std::optional<std::string_view> take(std::size_t length, std::size_t terminator) {
    std::string_view out(text.data() + begin, length);
    begin += length + terminator;
    ++line;
    if (line == 1 && out.starts_with("\xEF\xBB\xBF")) out.remove_prefix(3);
    if (out.find('\0') != std::string_view::npos) input_error(at_position(file, line, 0, "holds a NUL byte; this is no text"));
    if (out.ends_with('\r')) out.remove_suffix(1);
    return out;
  }
};

LineReader::LineReader(const std::filesystem::path& path) : source_(std::make_unique<Source>()) {
  source_->file = path == "-" ? "standard input" : path.string();
  source_->descriptor = path == "-" ? ::dup(0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (source_->descriptor < 0)
    input_error(source_->file + ": cannot be read: " + (errno == ENOENT ? "no such file" : std::strerror(errno)));
  source_->sniff();
}

LineReader::LineReader(std::string_view bytes, std::string file) : source_(std::make_unique<Source>()) {
  source_->file = std::move(file);
  source_->memory = bytes;
  source_->sniff();
}

LineReader::LineReader(LineReader&&) noexcept = default;
LineReader::~LineReader() = default;

std::optional<std::string_view> LineReader::next() { return source_->next(); }
std::size_t LineReader::line() const { return source_->line; }
const std::string& LineReader::file() const { return source_->file; }

}  // namespace tenfold::data
