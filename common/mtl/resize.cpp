// Bilinear and nearest resizing with ATen's arithmetic, in float.
#include <algorithm>
#include <cmath>

#include "mtl/metrics.h"

namespace tenfold::mtl {

namespace {

// Source position of a destination index, align_corners false: the two neighbours and the share of the second.
struct Between {
  std::size_t first = 0, second = 0;
  float share = 0;
};

std::vector<Between> positions(int from, int to) {
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  std::vector<Between> out(static_cast<std::size_t>(to));
  for (int i = 0; i < to; ++i) {
    const float at = std::max(scale * (static_cast<float>(i) + 0.5f) - 0.5f, 0.0f);
    const int first = std::min(static_cast<int>(at), from - 1);
    out[static_cast<std::size_t>(i)] = {static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(first + 1, from - 1)),
                                        std::min(at - static_cast<float>(first), 1.0f)};
  }
  return out;
}

std::vector<std::size_t> nearest_positions(int from, int to) {
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  std::vector<std::size_t> out(static_cast<std::size_t>(to));
  for (int i = 0; i < to; ++i)
    out[static_cast<std::size_t>(i)] =
        static_cast<std::size_t>(std::min(static_cast<int>(std::floor(static_cast<float>(i) * scale)), from - 1));
  return out;
}

}  // namespace

std::vector<float> resize_bilinear(std::span<const float> values, int channels, int height, int width, int to_height,
                                   int to_width) {
  if (height == to_height && width == to_width) return {values.begin(), values.end()};
  const std::vector<Between> rows = positions(height, to_height), columns = positions(width, to_width);
  const auto source_width = static_cast<std::size_t>(width), plane = static_cast<std::size_t>(height) * source_width;
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(channels) * rows.size() * columns.size());
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
    const float* map = values.data() + c * plane;
    for (const Between& r : rows) {
      const float *upper = map + r.first * source_width, *lower = map + r.second * source_width;
      for (const Between& k : columns) {
        const float above = (1 - k.share) * upper[k.first] + k.share * upper[k.second];
        const float below = (1 - k.share) * lower[k.first] + k.share * lower[k.second];
        out.push_back((1 - r.share) * above + r.share * below);
      }
    }
  }
  return out;
}

std::vector<float> resize_nearest(std::span<const float> values, int channels, int height, int width, int to_height,
                                  int to_width) {
  if (height == to_height && width == to_width) return {values.begin(), values.end()};
  const std::vector<std::size_t> rows = nearest_positions(height, to_height), columns = nearest_positions(width, to_width);
  const auto source_width = static_cast<std::size_t>(width), plane = static_cast<std::size_t>(height) * source_width;
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(channels) * rows.size() * columns.size());
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c)
    for (const std::size_t r : rows)
      for (const std::size_t k : columns) out.push_back(values[c * plane + r * source_width + k]);
  return out;
}

}  // namespace tenfold::mtl
