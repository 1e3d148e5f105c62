// stb's decoder and encoder of PNG behind two functions: the one place where its headers are compiled.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::data {

struct StbImage {
  int width = 0, height = 0, channels = 0;  // as the file has them; palettes and transparent colours expanded
  std::vector<std::uint16_t> values;        // 0..255, or 0..65535 where `wide`
  std::string failure;                      // not empty: what stb says of the file
};

StbImage stb_decode_png(std::string_view bytes, bool wide);

// "" where memory runs out.
std::string stb_encode_png(std::span<const std::uint8_t> values, int width, int height, int channels);

}  // namespace tenfold::data
