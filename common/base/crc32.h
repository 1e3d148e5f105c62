// CRC-32 as in zip, gzip and PNG (polynomial 0xEDB88320, reflected).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tenfold {

// `before` is the CRC of what came earlier: crc32(b, crc32(a)) is the CRC of a followed by b.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before = 0);
std::uint32_t crc32(std::string_view text, std::uint32_t before = 0);

}  // namespace tenfold
