// From a scene to the maps of an image: noise, rounding, edges, keypoints, holes.
#include "mtl/rooms.h"

#include <bit>
#include <cmath>
#include <span>

#include "base/philox.h"
#include "base/sha256.h"
#include "mtl/rooms_scene.h"

namespace tenfold::mtl {

static_assert(std::endian::native == std::endian::little, "the hash runs over little-endian floats in place");

namespace {

// About standard normal: the sum of twelve uniforms, less its mean.
double twelve_uniforms(PhiloxStream& random) {
  double sum = 0;
  for (int k = 0; k < 12; ++k) sum += (static_cast<double>(random.next_u32()) + 0.5) * 0x1p-32;
  return sum - 6;
}

std::uint8_t to_byte(double v) {
  const double clipped = v < 0 ? 0 : v > 1 ? 1 : v;
  return static_cast<std::uint8_t>(255 * clipped + 0.5);
}

void round_colours(const Sight& sight, const RoomsSpec& spec, std::uint32_t id, RoomImage& image) {
  image.rgb.resize(3 * sight.colour.size());
  PhiloxStream random(spec.seed, "rooms/1/noise/" + spec.split, id);
  for (std::size_t p = 0; p < sight.colour.size(); ++p) {
    const double values[3] = {sight.colour[p].x, sight.colour[p].y, sight.colour[p].z};
    for (std::size_t c = 0; c < 3; ++c) {
      const double noise = spec.noise > 0 ? spec.noise * twelve_uniforms(random) : 0;
      image.rgb[3 * p + c] = to_byte(values[c] + noise);
    }
  }
}

struct Gradients {
  std::vector<double> x, y;
};

// Central differences of the luminance of the rounded image, one-sided (and so half as large) at the borders.
Gradients gradients(const RoomImage& image) {
  const int height = image.height, width = image.width;
  const auto at = [&](int i, int j) {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(width) + static_cast<std::size_t>(j);
  };
  std::vector<double> luminance(image.labels.size());
  for (std::size_t p = 0; p < luminance.size(); ++p)
    luminance[p] = (0.299 * image.rgb[3 * p] + 0.587 * image.rgb[3 * p + 1] + 0.114 * image.rgb[3 * p + 2]) / 255;
  Gradients out{std::vector<double>(luminance.size()), std::vector<double>(luminance.size())};
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j) {
      const int left = j > 0 ? j - 1 : j, right = j + 1 < width ? j + 1 : j;
      const int up = i > 0 ? i - 1 : i, below = i + 1 < height ? i + 1 : i;
      out.x[at(i, j)] = 0.5 * (luminance[at(i, right)] - luminance[at(i, left)]);
      out.y[at(i, j)] = 0.5 * (luminance[at(below, j)] - luminance[at(up, j)]);
    }
  return out;
}

float clipped(double v) { return static_cast<float>(v < 0 ? 0 : v > 1 ? 1 : v); }

// Sums over 5 columns, then over 5 rows, of what lies inside the image.
std::vector<double> window_sums(const std::vector<double>& values, int height, int width) {
  const auto at = [&](int i, int j) {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(width) + static_cast<std::size_t>(j);
  };
  std::vector<double> rows(values.size()), out(values.size());
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j)
      for (int k = j < 2 ? 0 : j - 2; k <= j + 2 && k < width; ++k) rows[at(i, j)] += values[at(i, k)];
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j)
      for (int k = i < 2 ? 0 : i - 2; k <= i + 2 && k < height; ++k) out[at(i, j)] += rows[at(k, j)];
  return out;
}

void edges_and_keypoints(RoomImage& image) {
  const Gradients g = gradients(image);
  const std::size_t pixels = image.labels.size();
  image.edge.resize(pixels);
  image.keypoint.resize(pixels);
  std::vector<double> xx(pixels), xy(pixels), yy(pixels);
  for (std::size_t p = 0; p < pixels; ++p) {
    xx[p] = g.x[p] * g.x[p];
    xy[p] = g.x[p] * g.y[p];
    yy[p] = g.y[p] * g.y[p];
    image.edge[p] = clipped(4 * std::sqrt(xx[p] + yy[p]));
  }
  xx = window_sums(xx, image.height, image.width);
  xy = window_sums(xy, image.height, image.width);
  yy = window_sums(yy, image.height, image.width);
  for (std::size_t p = 0; p < pixels; ++p) {
    const double half = 0.5 * (xx[p] - yy[p]);
    const double smaller = 0.5 * (xx[p] + yy[p]) - std::sqrt(half * half + xy[p] * xy[p]);
    image.keypoint[p] = clipped(16 * (smaller / 25));
  }
}

void punch_holes(const RoomsSpec& spec, std::uint32_t id, RoomImage& image) {
  if (!(spec.holes > 0)) return;
  PhiloxStream random(spec.seed, "rooms/1/holes/" + spec.split, id);
  const std::size_t due = static_cast<std::size_t>(spec.holes * static_cast<double>(image.depth.size()));
  std::size_t gone = 0;
  while (gone < due) {
    const double radius = image.height * (0.02 + 0.06 * random.uniform());
    const double row = image.height * random.uniform(), column = image.width * random.uniform();
    for (int i = 0; i < image.height; ++i)
      for (int j = 0; j < image.width; ++j) {
        const double di = i + 0.5 - row, dj = j + 0.5 - column;
        if (di * di + dj * dj > radius * radius) continue;
        float& depth =
            image.depth[static_cast<std::size_t>(i) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(j)];
        gone += depth != 0 ? 1 : 0;
        depth = 0;
      }
  }
}

}  // namespace

RoomImage render_room(const RoomsSpec& spec, std::uint32_t id) {
  Sight sight = look(draw_scene(spec, id), spec.height, spec.width);
  RoomImage image = std::move(sight.image);
  round_colours(sight, spec, id, image);
  edges_and_keypoints(image);
  punch_holes(spec, id, image);
  return image;
}

std::string rooms_sha256(const RoomsSpec& spec) {
  Sha256 hash;
  for (std::int64_t id = 0; id < spec.n; ++id) {
    const RoomImage image = render_room(spec, static_cast<std::uint32_t>(id));
    hash.update(std::as_bytes(std::span(image.rgb)));
    hash.update(std::as_bytes(std::span(image.labels)));
    for (const std::vector<float>* map : {&image.depth, &image.normal, &image.edge, &image.keypoint})
      hash.update(std::as_bytes(std::span(*map)));
  }
  return hash.hex();
}

}  // namespace tenfold::mtl
