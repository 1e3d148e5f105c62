#include "mtl-attack/quantise.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace tenfold::mtl_attack {
namespace {

int grey(float value) { return static_cast<int>(std::lround(255.0 * static_cast<double>(value))); }

std::uint8_t within(int value, std::uint8_t clean, int levels) {
  return static_cast<std::uint8_t>(std::clamp(value, std::max(0, clean - levels), std::min(255, clean + levels)));
}

}  // namespace

Bytes to_bytes(std::span<const float> image) {
  Bytes bytes(image.size());
  for (std::size_t j = 0; j < image.size(); ++j) bytes[j] = static_cast<std::uint8_t>(std::clamp(grey(image[j]), 0, 255));
  return bytes;
}

std::vector<float> from_bytes(std::span<const std::uint8_t> bytes) {
  std::vector<float> image(bytes.size());
  for (std::size_t j = 0; j < bytes.size(); ++j) image[j] = static_cast<float>(bytes[j]) / 255.0F;
  return image;
}

Bytes quantise(std::span<const float> x, std::span<const std::uint8_t> clean, int levels) {
  Bytes bytes(x.size());
  for (std::size_t j = 0; j < x.size(); ++j) bytes[j] = within(grey(x[j]), clean[j], levels);
  return bytes;
}

void snap(std::span<float> x, std::span<const std::uint8_t> clean, int levels) {
  for (std::size_t j = 0; j < x.size(); ++j) x[j] = static_cast<float>(within(grey(x[j]), clean[j], levels)) / 255.0F;
}

int greatest_change(std::span<const std::uint8_t> adversarial, std::span<const std::uint8_t> clean) {
  int greatest = 0;
  for (std::size_t j = 0; j < clean.size(); ++j) greatest = std::max(greatest, std::abs(adversarial[j] - clean[j]));
  return greatest;
}

Bytes interleaved(std::span<const std::uint8_t> planar, int channels) {
  const std::size_t count = static_cast<std::size_t>(channels), pixels = planar.size() / count;
  Bytes out(planar.size());
  for (std::size_t c = 0; c < count; ++c)
    for (std::size_t p = 0; p < pixels; ++p) out[p * count + c] = planar[c * pixels + p];
  return out;
}

Bytes planar(std::span<const std::uint8_t> interleaved, int channels) {
  const std::size_t count = static_cast<std::size_t>(channels), pixels = interleaved.size() / count;
  Bytes out(interleaved.size());
  for (std::size_t c = 0; c < count; ++c)
    for (std::size_t p = 0; p < pixels; ++p) out[c * pixels + p] = interleaved[p * count + c];
  return out;
}

}  // namespace tenfold::mtl_attack
