// The stream of a product: a file that appears whole or not at all, or standard output.
#pragma once

#include <memory>
#include <optional>
#include <ostream>
#include <streambuf>
#include <string>

#include "base/files.h"

namespace tenfold::cli {

// Standard output is held back for the first MiB, so that a run that fails on its input leaves it empty, and streams from there.
// A failing write throws Error, exit 5, through the stream.
class ProductStream final : public std::streambuf {
 public:
  explicit ProductStream(const std::optional<std::string>& file);  // none, or "-": standard output

  std::ostream& stream() { return stream_; }
  void commit();  // all of it is there

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;

 private:
  void put(std::string_view text);
  void flush_buffer();

  std::optional<AtomicFile> file_;
  std::string buffer_;
  std::ostream stream_;
};

}  // namespace tenfold::cli
