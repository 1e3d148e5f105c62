// Lines of any bytes, gzip or not: each without its end, or an Error.
#include <cstdlib>

#include "base/error.h"
#include "data/line_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    tenfold::data::LineReader lines({reinterpret_cast<const char*>(data), size}, "fuzz");
    std::size_t count = 0;
    while (const auto line = lines.next()) {
      if (line->find('\n') != std::string_view::npos || lines.line() != ++count) std::abort();
    }
  } catch (const tenfold::Error&) {
  }
  return 0;
}
