// Lines: ends, gzip of several members, streams that are cut or damaged.
#include "data/line_reader.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "data/zip_bytes.h"

using namespace tenfold;
using namespace tenfold::data;

namespace {

std::string gzip(const std::string& text) { return test::deflate_bytes(text, test::DeflateFrame::gzip); }

std::vector<std::string> lines_of(LineReader lines) {
  std::vector<std::string> out;
  while (const auto line = lines.next()) out.emplace_back(*line);
  CHECK(lines.line() == out.size());
  return out;
}

std::string refusal(const std::string& bytes) {
  try {
    lines_of(LineReader(bytes, "f.gz"));
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    return error.message();
  }
  return "accepted";
}

// More than the reader's block, so that lines cross it.
std::string long_text() {
  std::string out;
  for (int i = 0; i < 60000; ++i) out += std::to_string(i) + " " + std::to_string(i * 7919 % 60000) + "\n";
  return out;
}

}  // namespace

TEST_CASE("lines: LF, CR LF, no end, empty lines") {
  CHECK(lines_of(LineReader("a\r\n\nb", "f")) == std::vector<std::string>{"a", "", "b"});
  CHECK(lines_of(LineReader("a\n", "f")) == std::vector<std::string>{"a"});
  CHECK(lines_of(LineReader("", "f")).empty());
  CHECK(lines_of(LineReader("\n", "f")) == std::vector<std::string>{""});
}

TEST_CASE("lines: a byte order mark is no part of the text, at the beginning alone") {
  const std::string mark = "\xEF\xBB\xBF";
  CHECK(lines_of(LineReader(mark + "5,1\n1,2\n", "f")) == std::vector<std::string>{"5,1", "1,2"});
  CHECK(lines_of(LineReader("a\n" + mark + "b\n", "f")) == std::vector<std::string>{"a", mark + "b"});
  const std::string whole = gzip(mark + "a\n");
  CHECK(lines_of(LineReader(whole, "f")) == std::vector<std::string>{"a"});
}

TEST_CASE("lines: gzip reads as its text, members after one another too") {
  const std::string text = long_text();
  const std::vector<std::string> plain = lines_of(LineReader(text, "f"));
  CHECK(plain.size() == 60000);
  CHECK(plain[59999] == "59999 52081");
  const std::string whole = gzip(text);
  CHECK(lines_of(LineReader(whole, "f")) == plain);
  const std::string parts = gzip(text.substr(0, 100003)) + gzip(text.substr(100003));
  CHECK(lines_of(LineReader(parts, "f")) == plain);
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "e.csv.gz", whole);
  CHECK(lines_of(LineReader(folder.path() / "e.csv.gz")) == plain);
}

TEST_CASE("lines: gzip that is cut or damaged is refused with the byte") {
  const std::string whole = gzip(long_text());
  CHECK(refusal(whole) == "accepted");
  CHECK(refusal(whole.substr(0, whole.size() / 2))
            .starts_with("f.gz: byte " + std::to_string(whole.size() / 2) + ": the gzip stream ends early"));
  CHECK(refusal(whole.substr(0, whole.size() - 1)).find("ends early") != std::string::npos);
  std::string wrong = whole;
  wrong[wrong.size() - 6] = static_cast<char>(wrong[wrong.size() - 6] ^ 1);  // of the checksum
  CHECK(refusal(wrong).find("the gzip stream is damaged") != std::string::npos);
  CHECK(refusal(whole + "rest").find("the gzip stream is damaged") != std::string::npos);
  CHECK(refusal(std::string("text\nwith\0nul\n", 14)) == "f.gz:2: holds a NUL byte; this is no text");
}
