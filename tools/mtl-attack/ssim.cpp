#include "mtl-attack/ssim.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace tenfold::mtl_attack {
namespace {

constexpr int kWindow = 11;

std::array<double, kWindow> gaussian() {
  std::array<double, kWindow> g{};
  double sum = 0;
  for (int k = 0; k < kWindow; ++k) sum += g[static_cast<std::size_t>(k)] = std::exp(-(k - 5.0) * (k - 5.0) / (2 * 1.5 * 1.5));
  for (double& value : g) value /= sum;
  return g;
}

struct Plane {
  int height = 0, width = 0;
  std::vector<double> values;
  double at(int y, int x) const { return values[static_cast<std::size_t>(y * width + x)]; }
};

double grey(std::uint8_t value) { return value; }
double grey(float value) { return 255 * static_cast<double>(value); }

// ITU-R BT.601, as in JPEG.
template <class Value>
Plane luminance(std::span<const Value> image, int channels, int height, int width) {
  const auto pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  Plane out{height, width, std::vector<double>(pixels)};
  for (std::size_t p = 0; p < pixels; ++p)
    out.values[p] = channels == 1
                        ? grey(image[p])
                        : 0.299 * grey(image[p]) + 0.587 * grey(image[pixels + p]) + 0.114 * grey(image[2 * pixels + p]);
  return out;
}

// The window's weighted sums, along rows and then columns, where it lies inside.
Plane filtered(const Plane& in, const std::array<double, kWindow>& g) {
  Plane rows{in.height, in.width - kWindow + 1, {}};
  for (int y = 0; y < rows.height; ++y)
    for (int x = 0; x < rows.width; ++x) {
      double sum = 0;
      for (int k = 0; k < kWindow; ++k) sum += g[static_cast<std::size_t>(k)] * in.at(y, x + k);
      rows.values.push_back(sum);
    }
  Plane out{in.height - kWindow + 1, rows.width, {}};
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      double sum = 0;
      for (int k = 0; k < kWindow; ++k) sum += g[static_cast<std::size_t>(k)] * rows.at(y + k, x);
      out.values.push_back(sum);
    }
  return out;
}

Plane product(const Plane& a, const Plane& b) {
  Plane out{a.height, a.width, std::vector<double>(a.values.size())};
  for (std::size_t p = 0; p < a.values.size(); ++p) out.values[p] = a.values[p] * b.values[p];
  return out;
}

double similarity(const Plane& x, const Plane& y) {
  if (x.height < kWindow || x.width < kWindow) return std::numeric_limits<double>::quiet_NaN();
  const std::array<double, kWindow> g = gaussian();
  const Plane mx = filtered(x, g), my = filtered(y, g);
  const Plane xx = filtered(product(x, x), g), yy = filtered(product(y, y), g), xy = filtered(product(x, y), g);
  constexpr double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255;
  double sum = 0;
  for (std::size_t p = 0; p < mx.values.size(); ++p) {
    const double ma = mx.values[p], mb = my.values[p];
    const double va = xx.values[p] - ma * ma, vb = yy.values[p] - mb * mb, cov = xy.values[p] - ma * mb;
    sum += (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
  }
  return sum / static_cast<double>(mx.values.size());
}

}  // namespace

double ssim(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, int channels, int height, int width) {
  return similarity(luminance(a, channels, height, width), luminance(b, channels, height, width));
}

double ssim(std::span<const float> a, std::span<const float> b, int channels, int height, int width) {
  return similarity(luminance(a, channels, height, width), luminance(b, channels, height, width));
}

}  // namespace tenfold::mtl_attack
