// The ziggurat for normal draws: Marsaglia and Tsang, "The ziggurat method for generating random variables" (J. Stat. Softw.
// 5(8), 2000). The right half of exp(-x^2/2) is covered by 256 layers of equal area: rectangles [0, x[i]] one upon the other, the
// lowest with the tail. A point of layer i left of x[i + 1] lies under the curve for certain; this takes one number and no
// exponential in 98.8% of all draws.
#pragma once

#include <array>

namespace tenfold {

struct Ziggurat {
  static constexpr int kLayers = 256;
  static constexpr double kTail = 3.6541528853610088;  // where the tail begins
  static constexpr double kArea = 0.00492867323399;  // of each layer
  std::array<double, kLayers + 1> x{};  // x[0]: width of a rectangle with the lowest layer's area; x[1] = kTail; x[256] = 0
  std::array<double, kLayers + 1> height{};  // exp(-x^2/2)
  Ziggurat();
};

extern const Ziggurat kZiggurat;

}  // namespace tenfold
