// The image files of a run directory: clean/ID.png, adv/CELL/ID.png, or .npy where floats are kept. What is counted is read back
// from them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/run.h"
#include "mtl/dataset.h"

namespace tenfold::mtl_attack {

struct ImageSize {
  int channels = 3, height = 0, width = 0;
  std::size_t values() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  }
};
inline ImageSize size_of(const mtl::Image& image) { return {image.channels, image.height, image.width}; }

std::string clean_path(const std::string& id);
std::string adversarial_path(const std::string& cell, const std::string& id, bool floats);

// A PNG's file of planar 8-bit values, as bytes.
std::string png_bytes(const std::vector<std::uint8_t>& planar, const ImageSize& size);

// Planar values of a PNG. Throws Error input: missing, broken, another size or depth.
std::vector<std::uint8_t> read_png(const std::filesystem::path& path, const ImageSize& size);
std::vector<float> read_floats(const std::filesystem::path& path, const ImageSize& size);  // npy, float32 [C, H, W]

// Writes whole files, registers them, and reads them back.
std::vector<std::uint8_t> store_png(cli::RunDirectory& directory, const std::string& relative,
                                    const std::vector<std::uint8_t>& planar, const ImageSize& size);
std::vector<float> store_floats(cli::RunDirectory& directory, const std::string& relative, const std::vector<float>& values,
                                const ImageSize& size);

}  // namespace tenfold::mtl_attack
