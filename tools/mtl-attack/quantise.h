// From floats to the bytes of a PNG and back: what is reported is what an image file holds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tenfold::mtl_attack {

using Bytes = std::vector<std::uint8_t>;

// round(255 x), clamped to 0..255; planar order is kept.
Bytes to_bytes(std::span<const float> image);

// X / 255, in float.
std::vector<float> from_bytes(std::span<const std::uint8_t> bytes);

// Q_j = clamp(round(255 x_j), X_j - E, X_j + E, 0, 255). Rounding and not truncation: that costs up to a third of the damage.
Bytes quantise(std::span<const float> x, std::span<const std::uint8_t> clean, int levels);

// The same lattice in floats: Q / 255.
void snap(std::span<float> x, std::span<const std::uint8_t> clean, int levels);

// The greatest |Q_j - X_j|.
int greatest_change(std::span<const std::uint8_t> adversarial, std::span<const std::uint8_t> clean);

// Planar [C, H, W] bytes as the interleaved ones of an image file, and back.
Bytes interleaved(std::span<const std::uint8_t> planar, int channels);
Bytes planar(std::span<const std::uint8_t> interleaved, int channels);

}  // namespace tenfold::mtl_attack
