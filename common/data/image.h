// PNG images: reading 8 and 16 bits, and writing 8 bits with the same bytes always. Files are believed in nothing: structure,
// checksums and the length of what is packed are checked before pixels are decoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::data {

// What a PNG says of itself.
struct PngHeader {
  int width = 0, height = 0;
  int bits = 8;          // 1, 2, 4, 8 or 16 a sample
  bool palette = false;  // decoded to colours
  bool grey = false;
  bool alpha = false;    // a channel, or a transparent colour
  bool interlaced = false;
};

// [height, width, channels], 1 (grey) or 3 (RGB) of them. Greys of fewer than 8 bits keep the numbers the file holds.
struct PngImage {
  int width = 0, height = 0, channels = 0;
  int maximum = 255;  // the value that stands for white: 1, 3, 15, 255 or 65535
  std::vector<std::uint16_t> values;
};

// Throws Error input, `FILE: byte N: ...`: no PNG, cut off, a checksum that is wrong, more than 2^15 pixels a side or 2^28 in
// all, pixels that are transparent (an alpha channel that is opaque throughout is dropped).
PngImage parse_png(std::string_view bytes, const std::string& file);
PngImage read_png(const std::filesystem::path& path);
PngHeader parse_png_header(std::string_view bytes, const std::string& file);

// The bytes of a PNG file of [height, width, channels] with 1 or 3 channels; lossless, and a function of its arguments alone.
std::string png_bytes(std::span<const std::uint8_t> values, int width, int height, int channels);

}  // namespace tenfold::data
