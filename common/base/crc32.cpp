// CRC-32 through zlib.
#include "base/crc32.h"

#include <zlib.h>

namespace tenfold {

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before) {
  // zlib takes a null pointer as "give me the initial value".
  if (bytes.empty()) return before;
  return static_cast<std::uint32_t>(::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::uint32_t crc32(std::string_view text, std::uint32_t before) { return crc32(std::as_bytes(std::span(text)), before); }

}  // namespace tenfold
