#include "data/stb_png.h"

#include <cstdlib>

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wsign-compare"
#endif
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#include <stb/stb_image.h>
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>
#if defined(__clang__)
#pragma clang diagnostic pop
#else
#pragma GCC diagnostic pop
#endif

namespace tenfold::data {

StbImage stb_decode_png(std::string_view bytes, bool wide) {
  StbImage image;
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const auto size = static_cast<int>(bytes.size());
  const auto take = [&](const auto* pixels) {
    if (pixels == nullptr) {
      // A chunk that it does not know is named in the reason, which is empty where the name begins with a zero.
      const char* reason = stbi_failure_reason();
      image.failure = reason != nullptr && *reason != '\0' ? reason : "a chunk that is not known, or no memory";
      return;
    }
    const auto count =
        static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.channels);
    image.values.assign(pixels, pixels + count);
  };
  void* pixels = nullptr;
  if (wide) {
    stbi_us* wide_pixels = stbi_load_16_from_memory(data, size, &image.width, &image.height, &image.channels, 0);
    take(wide_pixels);
    pixels = wide_pixels;
  } else {
    stbi_uc* narrow_pixels = stbi_load_from_memory(data, size, &image.width, &image.height, &image.channels, 0);
    take(narrow_pixels);
    pixels = narrow_pixels;
  }
  stbi_image_free(pixels);
  return image;
}

std::string stb_encode_png(std::span<const std::uint8_t> values, int width, int height, int channels) {
  int length = 0;
  unsigned char* bytes = stbi_write_png_to_mem(values.data(), width * channels, width, height, channels, &length);
  if (bytes == nullptr) return {};
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  std::free(bytes);
  return out;
}

}  // namespace tenfold::data
