// Structural similarity (Wang et al. 2004) of two images, on luminance, with the 11 x 11 Gaussian window of the paper.
#pragma once

#include <cstdint>
#include <span>

namespace tenfold::mtl_attack {

// Planar [channels, height, width], 1 or 3 channels. sigma 1.5, K = (0.01, 0.03), L = 255, mean over the places where the window
// lies inside. NaN for images smaller than the window.
double ssim(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, int channels, int height, int width);
// The same of images in [0, 1], which are not rounded.
double ssim(std::span<const float> a, std::span<const float> b, int channels, int height, int width);

}  // namespace tenfold::mtl_attack
