// One scene of the rooms renderer, drawn (rooms_scene.cpp) and looked at (rooms_trace.cpp). Tests make scenes by hand.
#pragma once

#include <cstdint>
#include <vector>

#include "mtl/rooms.h"

namespace tenfold::mtl {

struct Vec3 {
  double x = 0, y = 0, z = 0;
};

inline Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline Vec3 operator*(Vec3 a, double s) { return {a.x * s, a.y * s, a.z * s}; }
inline double dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

enum class Texture : std::uint8_t { plain, checker, stripes, noise };

// What a surface looks like: `first` and `second` mixed by the texture over cells of `cell` metres.
struct Paint {
  std::uint8_t klass = 0;
  Texture texture = Texture::plain;
  Vec3 first, second;  // colours in [0, 1]
  double cell = 1;
  std::uint32_t salt = 0;  // of the noise texture
  bool shines = false;     // its colour is seen as it is
};

// Stands on the floor; its sides' direction is (cosine, sine) of the turn about the vertical.
struct Box {
  double x = 0, z = 0;  // centre
  double half_x = 0, half_z = 0, height = 0;
  double cosine = 1, sine = 0;
  Paint paint;
};

struct Sphere {
  Vec3 centre;
  double radius = 0;
  Paint paint;
};

enum class Wall : std::uint8_t { left, far, right };

// On a wall: `along` runs with z on the side walls and with x on the far one, heights are y.
struct Rectangle {
  Wall wall = Wall::far;
  double along_from = 0, along_to = 0, low = 0, high = 0;
  Paint paint;
};

struct Camera {
  Vec3 at;
  Vec3 right{1, 0, 0}, down{0, -1, 0}, forward{0, 0, 1};  // orthonormal
};

struct Light {
  Vec3 at;
  Vec3 colour{1, 1, 1};
  double ambient = 0.5;
};

struct Scene {
  double width = 4, height = 2.6, depth = 5;
  Camera camera;
  Light light;
  Paint floor, ceiling, wall;
  std::vector<Box> boxes;
  std::vector<Sphere> spheres;
  std::vector<Rectangle> rectangles;
};

Scene draw_scene(const RoomsSpec& spec, std::uint32_t id);

// What one ray a pixel sees: colours before noise and rounding, classes, depth, normals.
struct Sight {
  std::vector<Vec3> colour;  // [height, width]
  RoomImage image;           // rgb, edge, keypoint still empty
};
Sight look(const Scene& scene, int height, int width);

}  // namespace tenfold::mtl
