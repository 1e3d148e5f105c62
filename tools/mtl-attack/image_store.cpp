#include "mtl-attack/image_store.h"

#include <cstring>

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "data/image.h"
#include "data/npy.h"
#include "mtl-attack/quantise.h"

namespace tenfold::mtl_attack {
namespace {

namespace fs = std::filesystem;

std::string size_text(int channels, int height, int width) { return fmt::format("{}x{}x{}", channels, height, width); }

}  // namespace

std::string clean_path(const std::string& id) { return "clean/" + id + ".png"; }

std::string adversarial_path(const std::string& cell, const std::string& id, bool floats) {
  return "adv/" + cell + "/" + id + (floats ? ".npy" : ".png");
}

std::string png_bytes(const std::vector<std::uint8_t>& planar, const ImageSize& size) {
  return data::png_bytes(interleaved(planar, size.channels), size.width, size.height, size.channels);
}

std::vector<std::uint8_t> read_png(const fs::path& path, const ImageSize& size) {
  const data::PngImage image = data::read_png(path);
  if (image.channels != size.channels || image.height != size.height || image.width != size.width || image.maximum != 255)
    input_error(fmt::format("{}: expected {} values of 8 bits, found {} of a maximum of {}", path.string(),
                            size_text(size.channels, size.height, size.width),
                            size_text(image.channels, image.height, image.width), image.maximum));
  Bytes values(image.values.begin(), image.values.end());
  return planar(values, size.channels);
}

std::vector<float> read_floats(const fs::path& path, const ImageSize& size) {
  const data::NpyArray array = data::NpyArray::map(path);
  if (array.type() != data::NpyType::f32 || array.shape() != std::vector<std::int64_t>{size.channels, size.height, size.width})
    input_error(fmt::format("{}: expected float32 [{}, {}, {}]", path.string(), size.channels, size.height, size.width));
  return array.to_floats();
}

std::vector<std::uint8_t> store_png(cli::RunDirectory& directory, const std::string& relative,
                                    const std::vector<std::uint8_t>& planar, const ImageSize& size) {
  directory.write(relative, png_bytes(planar, size));
  return read_png(directory.path() / relative, size);
}

std::vector<float> store_floats(cli::RunDirectory& directory, const std::string& relative, const std::vector<float>& values,
                                const ImageSize& size) {
  const std::vector<std::int64_t> shape = {size.channels, size.height, size.width};
  std::string bytes = data::npy_header(data::NpyType::f32, shape);
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  directory.write(relative, bytes);
  return read_floats(directory.path() / relative, size);
}

}  // namespace tenfold::mtl_attack
