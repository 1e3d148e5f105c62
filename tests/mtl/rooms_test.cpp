// Facts about rendered rooms: the very bytes, geometry that agrees with itself, occlusion and shadows of scenes made by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "mtl/rooms_scene.h"

using namespace tenfold::mtl;

namespace {

constexpr std::uint8_t kFloor = 4, kFurniture = 5, kObjects = 6, kCeiling = 2, kWall = 11;

Paint plain(std::uint8_t klass, double grey) {
  Paint paint;
  paint.klass = klass;
  paint.first = {grey, grey, grey};
  return paint;
}

// 4 m wide, 3 m high, 6 m deep; the camera in the middle of the near wall, 1.5 m high, looking straight ahead; a light at the
// ceiling 2 m before it.
Scene empty_room() {
  Scene scene;
  scene.width = 4;
  scene.height = 3;
  scene.depth = 6;
  scene.camera.at = {2, 1.5, 0.5};
  scene.light.at = {2, 2.9, 2.5};
  scene.light.ambient = 0.5;
  scene.floor = plain(kFloor, 1);
  scene.ceiling = plain(kCeiling, 1);
  scene.wall = plain(kWall, 1);
  return scene;
}

struct Pixel {
  int row, column;
};
std::size_t at(const RoomImage& image, Pixel p) {
  return static_cast<std::size_t>(p.row) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(p.column);
}

Vec3 point(const RoomImage& image, int i, int j) {
  const double focal = 0.5 * image.width / kRoomsHalfWidthTangent;
  const double z = image.depth[at(image, {i, j})];
  return {(j + 0.5 - 0.5 * image.width) / focal * z, (i + 0.5 - 0.5 * image.height) / focal * z, z};
}
Vec3 cross(Vec3 a, Vec3 b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
Vec3 normal(const RoomImage& image, int i, int j) {
  const std::size_t p = at(image, {i, j}), pixels = image.labels.size();
  return {image.normal[p], image.normal[pixels + p], image.normal[2 * pixels + p]};
}

}  // namespace

// The same with clang++ -O3 and g++ -O0. A change of any of them is a new version of the renderer.
TEST_CASE("the bytes of rooms version 1") {
  RoomsSpec spec;
  spec.n = 4;
  CHECK(rooms_sha256(spec) == "284e00bc4f855f4e70571e02c30fa5007f230959cf3c16be762607b5f4739e64");
  spec = {.n = 2, .height = 37, .width = 53, .seed = 7, .split = "train", .difficulty = 0};
  CHECK(rooms_sha256(spec) == "ddda678ae4fa3b4c4aabfc182a6e405c2ceb9bf9ca30f7953593a18510a9a838");
  spec = {.n = 3,
          .height = 64,
          .width = 80,
          .seed = 123456789012345ull,
          .split = "val",
          .difficulty = 2,
          .noise = 0.03,
          .holes = 0.1};
  CHECK(rooms_sha256(spec) == "09662d0bf39b45a8ae84b361a7da63d08a00b511f4d98c21a96eaec94c80ab13");
}

TEST_CASE("an image depends on its own number alone, and on seed, split and difficulty") {
  const RoomsSpec spec{.n = 1};
  const RoomImage one = render_room(spec, 5);
  RoomsSpec more = spec;
  more.n = 100;
  CHECK(render_room(more, 5).rgb == one.rgb);
  CHECK(render_room(spec, 6).rgb != one.rgb);
  RoomsSpec other = spec;
  other.seed = 2;
  CHECK(render_room(other, 5).labels != one.labels);
  other = spec;
  other.split = "train";
  CHECK(render_room(other, 5).labels != one.labels);
  other = spec;
  other.noise = 0.05;
  CHECK(render_room(other, 5).labels == one.labels);
  CHECK(render_room(other, 5).depth == one.depth);
  CHECK(render_room(other, 5).rgb != one.rgb);
}

TEST_CASE("unprojected depth of one plane is planar, its normal the one that is given") {
  const RoomImage image = render_room({.height = 96, .width = 128, .seed = 3}, 1);
  const std::size_t pixels = image.labels.size();
  double worst = 0;
  std::size_t compared = 0;
  // Any two pixels of the floor lie in one plane with the floor's normal.
  for (int i = 0; i < image.height; ++i)
    for (int j = 0; j < image.width; ++j) {
      if (image.labels[at(image, {i, j})] != kFloor) continue;
      static Vec3 first{};
      if (compared++ == 0) first = point(image, i, j);
      worst = std::max(worst, std::abs(dot(point(image, i, j) - first, normal(image, i, j))));
    }
  REQUIRE(compared > pixels / 50);
  CHECK(worst < 1e-4);
}

TEST_CASE("normals are those of finite differences away from edges, of length 1 and facing the camera") {
  std::vector<double> angles;
  for (std::uint32_t id = 0; id < 4; ++id) {
    const RoomImage image = render_room({.height = 96, .width = 128, .difficulty = 2}, id);
    for (int i = 1; i + 1 < image.height; ++i)
      for (int j = 1; j + 1 < image.width; ++j) {
        const Vec3 n = normal(image, i, j);
        CHECK(std::abs(dot(n, n) - 1) < 1e-5);
        CHECK(dot(n, point(image, i, j)) < 0);
        const Vec3 found =
            cross(point(image, i + 1, j) - point(image, i - 1, j), point(image, i, j + 1) - point(image, i, j - 1));
        const double cosine = std::abs(dot(found, n)) / std::sqrt(dot(found, found));
        angles.push_back(std::acos(std::min(cosine, 1.0)) * 180 / std::numbers::pi);
      }
  }
  std::sort(angles.begin(), angles.end());
  CHECK(angles[angles.size() / 2] < 0.1);
  CHECK(angles[angles.size() * 3 / 4] < 1);
}

TEST_CASE("depth and class of an empty room at known places") {
  const Sight sight = look(empty_room(), 91, 127);  // odd: one pixel looks exactly ahead
  const RoomImage& image = sight.image;
  const std::size_t middle = at(image, {45, 63});
  CHECK(image.labels[middle] == kWall);
  CHECK(image.depth[middle] == 5.5f);
  CHECK(image.normal[2 * image.labels.size() + middle] == -1.0f);
  // The lowest row in the middle: the floor, 1.5 m below, at depth 1.5 / tangent.
  const double focal = 0.5 * 127 / kRoomsHalfWidthTangent;
  const std::size_t low = at(image, {90, 63});
  CHECK(image.labels[low] == kFloor);
  CHECK(image.depth[low] == doctest::Approx(1.5 / (45 / focal)));
  CHECK(image.normal[image.labels.size() + low] == -1.0f);  // up is -y
  CHECK(image.labels[at(image, {0, 63})] == kCeiling);
  // Brightness of the far wall: ambient and Lambert's cosine over 1 + 0.03 d^2, from the light at (2, 2.9, 2.5) to (2, 1.5, 6).
  const double d2 = 1.4 * 1.4 + 3.5 * 3.5;
  CHECK(sight.colour[middle].x == doctest::Approx(0.5 + 0.5 * 3.5 / std::sqrt(d2) / (1 + 0.03 * d2)));
}

TEST_CASE("the nearer thing hides the farther one, whatever their order") {
  Scene scene = empty_room();
  Box near_box{.x = 2, .z = 3, .half_x = 0.5, .half_z = 0.25, .height = 2, .paint = plain(kFurniture, 1)};
  Sphere far_sphere{.centre = {2, 1.5, 4.5}, .radius = 0.4, .paint = plain(kObjects, 1)};
  scene.boxes = {near_box};
  scene.spheres = {far_sphere};
  const RoomImage hidden = look(scene, 91, 127).image;
  const std::size_t middle = at(hidden, {45, 63});
  CHECK(hidden.labels[middle] == kFurniture);
  CHECK(hidden.depth[middle] == doctest::Approx(3 - 0.25 - 0.5));
  CHECK(std::count(hidden.labels.begin(), hidden.labels.end(), kObjects) == 0);
  scene.boxes[0].x = 3.4;  // aside
  const RoomImage seen = look(scene, 91, 127).image;
  CHECK(seen.labels[middle] == kObjects);
  CHECK(seen.depth[middle] == doctest::Approx(4.5 - 0.4 - 0.5));
  CHECK(seen.normal[2 * seen.labels.size() + middle] == doctest::Approx(-1));
  Box farther = near_box;
  farther.z = 4;
  farther.paint.klass = 0;
  scene.boxes = {farther, near_box};
  const RoomImage one = look(scene, 91, 127).image;
  scene.boxes = {near_box, farther};
  CHECK(look(scene, 91, 127).image.labels == one.labels);
  CHECK(one.labels[middle] == kFurniture);
}

TEST_CASE("a box turned by a right angle shows its other side") {
  Scene scene = empty_room();
  scene.boxes = {
      {.x = 2, .z = 3, .half_x = 0.5, .half_z = 0.25, .height = 2, .cosine = 0, .sine = 1, .paint = plain(kFurniture, 1)}};
  const RoomImage image = look(scene, 91, 127).image;
  CHECK(image.depth[at(image, {45, 63})] == doctest::Approx(3 - 0.5 - 0.5));
  // Turned by the 3-4-5 triangle's angle, the corner of the base lies where the rotation puts it: nearest at z = 3 - 0.5 (4/5) -
  // ...
  scene.boxes[0].cosine = 0.8;
  scene.boxes[0].sine = 0.6;
  const RoomImage turned = look(scene, 91, 1271).image;
  float nearest = 100;
  for (int j = 0; j < turned.width; ++j)
    if (turned.labels[at(turned, {45, j})] == kFurniture) nearest = std::min(nearest, turned.depth[at(turned, {45, j})]);
  CHECK(nearest == doctest::Approx(3 - 0.5 * 0.6 - 0.25 * 0.8 - 0.5).epsilon(0.003));
}

TEST_CASE("a point in the shadow has the ambient light alone") {
  Scene scene = empty_room();
  scene.light.at = {2, 2.9, 5};
  const Sight without = look(scene, 91, 127);
  // A ball above the floor, straight below the light at (2, 1, 5): its shadow lies on the floor round (2, 0, 5).
  scene.spheres = {{.centre = {2, 1, 5}, .radius = 0.2, .paint = plain(kObjects, 1)}};
  const Sight with = look(scene, 91, 127);
  // The floor at depth 4.5: row with tangent 1.5 / 4.5.
  const double focal = 0.5 * 127 / kRoomsHalfWidthTangent;
  const int row = static_cast<int>(45.5 + focal * 1.5 / 4.5);
  const std::size_t shadow = at(with.image, {row, 63}), aside = at(with.image, {row, 90});
  REQUIRE(with.image.labels[shadow] == kFloor);
  CHECK(with.colour[shadow].x == 0.5);
  CHECK(without.colour[shadow].x > 0.7);
  CHECK(with.colour[aside].x == without.colour[aside].x);
  // The ball's upper side is lit, its underside is its own shadow.
  const auto ball_row = [&](double y, double z) { return static_cast<int>(45.5 + focal * (1.5 - y) / (z - 0.5)); };
  const std::size_t top = at(with.image, {ball_row(1.17, 4.9), 63}), under = at(with.image, {ball_row(0.84, 4.9), 63});
  REQUIRE(with.image.labels[top] == kObjects);
  REQUIRE(with.image.labels[under] == kObjects);
  CHECK(with.colour[top].x > 0.6);
  CHECK(with.colour[under].x == 0.5);
}

TEST_CASE("wall is not most of the pixels, and every class occurs") {
  std::vector<double> share(kRoomsClasses, 0);
  const RoomsSpec spec{.n = 64};
  for (std::uint32_t id = 0; id < 64; ++id) {
    const RoomImage image = render_room(spec, id);
    for (const std::uint8_t label : image.labels) share[label] += 1.0 / (64.0 * static_cast<double>(image.labels.size()));
  }
  CHECK(share[kWall] > 0.3);
  CHECK(share[kWall] < 0.47);
  for (const double s : share) CHECK(s > 0.002);
}

TEST_CASE("holes cover the share that is asked for, in depth alone") {
  RoomsSpec spec{.n = 1, .holes = 0.2};
  const RoomImage image = render_room(spec, 0);
  const auto gone = std::count(image.depth.begin(), image.depth.end(), 0.0f);
  CHECK(gone >= 96 * 128 / 5);
  CHECK(gone < 96 * 128 / 4);
  spec.holes = 0;
  const RoomImage whole = render_room(spec, 0);
  CHECK(whole.rgb == image.rgb);
  CHECK(whole.normal == image.normal);
  CHECK(std::count(whole.depth.begin(), whole.depth.end(), 0.0f) == 0);
}

TEST_CASE("edges and keypoints of a step and of a corner") {
  // Checked on a rendered image: edge is 4 x the central differences of the luminance, keypoint vanishes along straight edges.
  const RoomImage image = render_room({.n = 1}, 2);
  const auto luminance = [&](int i, int j) {
    const std::size_t p = at(image, {i, j});
    return (0.299 * image.rgb[3 * p] + 0.587 * image.rgb[3 * p + 1] + 0.114 * image.rgb[3 * p + 2]) / 255;
  };
  double largest = 0;
  for (int i = 3; i + 3 < image.height; ++i)
    for (int j = 3; j + 3 < image.width; ++j) {
      const double dx = 0.5 * (luminance(i, j + 1) - luminance(i, j - 1)), dy = 0.5 * (luminance(i + 1, j) - luminance(i - 1, j));
      CHECK(image.edge[at(image, {i, j})] == doctest::Approx(std::min(1.0, 4 * std::sqrt(dx * dx + dy * dy))).epsilon(1e-5));
      double xx = 0, xy = 0, yy = 0;
      for (int a = i - 2; a <= i + 2; ++a)
        for (int b = j - 2; b <= j + 2; ++b) {
          const double gx = 0.5 * (luminance(a, b + 1) - luminance(a, b - 1)),
                       gy = 0.5 * (luminance(a + 1, b) - luminance(a - 1, b));
          xx += gx * gx / 25;
          xy += gx * gy / 25;
          yy += gy * gy / 25;
        }
      const double smaller = (xx + yy) / 2 - std::sqrt((xx - yy) * (xx - yy) / 4 + xy * xy);
      CHECK(std::abs(image.keypoint[at(image, {i, j})] - std::clamp(16 * smaller, 0.0, 1.0)) < 1e-6);
      largest = std::max<double>(largest, image.keypoint[at(image, {i, j})]);
    }
  CHECK(largest > 0.05);
}
