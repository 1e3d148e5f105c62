// The layers, from the tail upwards.
#include "base/ziggurat.h"

#include <cmath>

namespace tenfold {

Ziggurat::Ziggurat() {
  x[0] = kArea * std::exp(0.5 * kTail * kTail);
  x[1] = kTail;
  for (std::size_t i = 1; i + 1 < kLayers; ++i) x[i + 1] = std::sqrt(-2 * std::log(kArea / x[i] + std::exp(-0.5 * x[i] * x[i])));
  x[kLayers] = 0;
  for (std::size_t i = 0; i < x.size(); ++i) height[i] = std::exp(-0.5 * x[i] * x[i]);
}

const Ziggurat kZiggurat;

}  // namespace tenfold
