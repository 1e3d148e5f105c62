#include "mtl-attack/pictures.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "stats/quantile.h"

namespace tenfold::mtl_attack {
namespace {

using Colour = std::array<std::uint8_t, 3>;

// Tableau's twenty, far apart for neighbouring numbers.
constexpr std::array<Colour, 20> kClasses = {
    {{31, 119, 180},  {255, 127, 14},  {44, 160, 44},   {214, 39, 40},   {148, 103, 189}, {140, 86, 75},   {227, 119, 194},
     {127, 127, 127}, {188, 189, 34},  {23, 190, 207},  {174, 199, 232}, {255, 187, 120}, {152, 223, 138}, {255, 152, 150},
     {197, 176, 213}, {196, 156, 148}, {247, 182, 210}, {199, 199, 199}, {219, 219, 141}, {158, 218, 229}}};

// Five places of viridis, joined by lines.
Colour viridis(double t) {
  static constexpr std::array<std::array<double, 3>, 5> places = {
      {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}}};
  const double x = std::clamp(t, 0.0, 1.0) * 4;
  const auto k = static_cast<std::size_t>(std::min(x, 3.0));
  Colour out{};
  for (std::size_t c = 0; c < 3; ++c)
    out[c] =
        static_cast<std::uint8_t>(std::lround(places[k][c] + (x - static_cast<double>(k)) * (places[k + 1][c] - places[k][c])));
  return out;
}

std::uint8_t byte_of(double value) { return static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L)); }

Colour colour_of(const mtl::Task& task, const Prediction& p, std::size_t pixel, double low, double high) {
  const std::size_t pixels = p.values.size() / static_cast<std::size_t>(p.channels);
  if (task.type == mtl::TaskType::segmentation) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < static_cast<std::size_t>(p.channels); ++c)
      if (p.values[c * pixels + pixel] > p.values[best * pixels + pixel]) best = c;
    return kClasses[best % kClasses.size()];
  }
  if (p.channels == 3) {
    double square = 0;
    for (std::size_t c = 0; c < 3; ++c) square += std::pow(static_cast<double>(p.values[c * pixels + pixel]), 2);
    const double norm = std::max(std::sqrt(square), 1e-12);
    Colour out{};
    for (std::size_t c = 0; c < 3; ++c) out[c] = byte_of(127.5 * (1 + static_cast<double>(p.values[c * pixels + pixel]) / norm));
    return out;
  }
  return viridis((static_cast<double>(p.values[pixel]) - low) / std::max(high - low, 1e-12));
}

}  // namespace

std::string picture(std::span<const std::uint8_t> planar, const ImageSize& size) {
  return png_bytes({planar.begin(), planar.end()}, size);
}

std::string difference_picture(std::span<const std::uint8_t> adversarial, std::span<const std::uint8_t> clean,
                               const ImageSize& size) {
  std::vector<std::uint8_t> out(clean.size());
  for (std::size_t j = 0; j < out.size(); ++j) out[j] = byte_of(128.0 + 10.0 * (adversarial[j] - clean[j]));
  return png_bytes(out, size);
}

Range prediction_range(const Prediction& prediction) {
  const std::vector<double> values(prediction.values.begin(), prediction.values.end());
  return {stats::quantile_of(values, 0.02), stats::quantile_of(values, 0.98)};
}

std::string prediction_picture(const mtl::Task& task, const Prediction& prediction, double low, double high) {
  if (!task.is_map()) return "";
  const auto pixels = static_cast<std::size_t>(prediction.height) * static_cast<std::size_t>(prediction.width);
  std::vector<std::uint8_t> planar(3 * pixels);
  for (std::size_t p = 0; p < pixels; ++p) {
    const Colour colour = colour_of(task, prediction, p, low, high);
    for (std::size_t c = 0; c < 3; ++c) planar[c * pixels + p] = colour[c];
  }
  return png_bytes(planar, {3, prediction.height, prediction.width});
}

}  // namespace tenfold::mtl_attack
