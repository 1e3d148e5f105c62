// The PNG reader on any bytes, as they are and with their checksums made right, so that what lies behind them is reached: an
// image whose numbers fit its header, or an Error.
#include <cstdlib>
#include <string>

#include "base/crc32.h"
#include "base/error.h"
#include "data/image.h"

namespace {

void read(const std::string& bytes) {
  try {
    const auto image = tenfold::data::parse_png(bytes, "fuzz.png");
    if (image.values.size() !=
        static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.channels))
      std::abort();
    if (image.channels != 1 && image.channels != 3) std::abort();
    for (const auto value : image.values)
      if (value > image.maximum) std::abort();
  } catch (const tenfold::Error&) {
  }
}

std::string repaired(std::string bytes) {
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(bytes[at + i]);
    if (length > bytes.size() - at - 12) break;
    const std::uint32_t crc = tenfold::crc32(std::string_view(bytes).substr(at + 4, length + 4));
    for (std::size_t i = 0; i < 4; ++i) bytes[at + 8 + length + i] = static_cast<char>(crc >> (24 - 8 * i));
    at += 12 + length;
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  read(repaired(bytes));
  return 0;
}
