// Draws a scene from the table in rooms.h. Each draw is a statement of its own: the order of draws is part of the version.
#include "mtl/rooms_scene.h"

#include <array>
#include <cmath>
#include <initializer_list>
#include <optional>

#include "base/philox.h"

namespace tenfold::mtl {

namespace {

enum Klass : std::uint8_t { bed, books, ceiling, chair, floor_, furniture, objects, picture, sofa, table, tv, wall, window };

struct Range {
  double low = 0, high = 0;
};

struct Row {
  Vec3 colour;
  double jitter = 0;
  std::array<Texture, 3> textures{};
  int texture_count = 1;
  double cell = 1;
  bool two_colours = false;
  Range width, depth, height;  // of boxes
  int weight = 0;              // of boxes
};

constexpr Texture kPlain = Texture::plain, kChecker = Texture::checker, kStripes = Texture::stripes, kNoise = Texture::noise;

// In the order of kRoomsClassNames; the table in rooms.h.
constexpr std::array<Row, kRoomsClasses> kRows = {{
    {{.78, .36, .42}, .10, {kPlain, kStripes, kChecker}, 3, .20, false, {1.4, 2.0}, {1.9, 2.1}, {.45, .60}, 2},
    {{.70, .25, .15}, .12, {kStripes}, 1, .06, true, {.6, 1.1}, {.25, .35}, {.8, 1.8}, 2},
    {{.93, .93, .90}, .04, {kPlain}, 1, 1, false, {}, {}, {}, 0},
    {{.85, .55, .15}, .10, {kPlain, kNoise}, 2, .10, false, {.40, .55}, {.40, .55}, {.8, 1.0}, 4},
    {{.52, .40, .28}, .09, {kChecker, kStripes, kNoise}, 3, .40, false, {}, {}, {}, 0},
    {{.40, .24, .12}, .08, {kPlain, kStripes, kNoise}, 3, .25, false, {.6, 1.4}, {.4, .6}, {.9, 2.0}, 3},
    {{.55, .20, .65}, .20, {kPlain, kChecker}, 2, .12, false, {}, {}, {}, 0},
    {{.30, .35, .55}, .25, {kNoise, kChecker}, 2, .18, true, {}, {}, {}, 0},
    {{.20, .45, .35}, .10, {kPlain, kNoise, kStripes}, 3, .15, false, {1.5, 2.2}, {.80, .95}, {.70, .90}, 3},
    {{.72, .60, .42}, .08, {kPlain, kNoise}, 2, .20, false, {.8, 1.6}, {.6, .9}, {.70, .78}, 3},
    {{.07, .08, .11}, .05, {kPlain, kNoise}, 2, .30, false, {.9, 1.4}, {.08, .20}, {.6, .9}, 2},
    {{.80, .76, .66}, .10, {kPlain, kStripes, kNoise}, 3, .35, false, {}, {}, {}, 0},
    {{.72, .88, .98}, .06, {kPlain, kStripes}, 2, .45, false, {}, {}, {}, 0},
}};

double clip(double v) { return v < 0 ? 0 : v > 1 ? 1 : v; }

class Painter {
 public:
  Painter(const RoomsSpec& spec, std::uint32_t id)
      : difficulty_(spec.difficulty), random_(spec.seed, "rooms/1/" + spec.split, id) {}

  Scene draw() {
    Scene scene;
    scene.width = within({3, 6});
    scene.depth = within({3, 7});
    scene.height = within({2.4, 3.2});
    scene.camera = camera(scene);
    scene.light = light(scene);
    scene.floor = paint(Klass::floor_);
    scene.ceiling = paint(Klass::ceiling);
    scene.wall = paint(Klass::wall);
    furnish(scene);
    hang(scene);
    return scene;
  }

 private:
  double within(Range range) { return range.low + (range.high - range.low) * random_.uniform(); }
  int between(int low, int high) { return low + static_cast<int>(random_.below(static_cast<std::uint32_t>(high - low + 1))); }

  Camera camera(const Scene& scene) {
    Camera camera;
    const double x = within({.35, .65}) * scene.width;
    const double z = within({.3, .8});
    const double y = within({1.2, 1.7});
    const double yaw = between(-466, 466), pitch = between(-300, 0);
    camera.at = {x, y, z};
    const double level = std::sqrt(yaw * yaw + 1e6), slope = std::sqrt(pitch * pitch + 1e6);
    const Vec3 ahead{yaw / level, 0, 1000 / level};
    const double rise = pitch / slope, run = 1000 / slope;
    camera.right = {ahead.z, 0, -ahead.x};
    camera.forward = {ahead.x * run, rise, ahead.z * run};
    camera.down = {ahead.x * rise, -run, ahead.z * rise};
    return camera;
  }

  Light light(const Scene& scene) {
    Light light;
    light.at.x = within({.3, .7}) * scene.width;
    light.at.z = within({.3, .7}) * scene.depth;
    light.at.y = scene.height - within({.15, .35});
    light.ambient = difficulty_ == 2 ? within({.15, .30}) : within({.40, .55});
    if (difficulty_ == 2) {
      light.colour.x = within({.75, 1});
      light.colour.y = within({.75, 1});
      light.colour.z = within({.75, 1});
    }
    return light;
  }

  Vec3 jittered(const Row& row) {
    const double scale = difficulty_ == 0 ? 0.5 : difficulty_ == 1 ? 1.0 : 2.0;
    const double jitter = row.jitter * scale;
    const double common = within({-jitter, jitter});
    const double red = within({-jitter, jitter}), green = within({-jitter, jitter}), blue = within({-jitter, jitter});
    return {clip(row.colour.x + common + red), clip(row.colour.y + common + green), clip(row.colour.z + common + blue)};
  }

  // `look`: the class whose colour is worn.
  Paint paint(int klass, int look) {
    const Row& row = kRows[static_cast<std::size_t>(look)];
    Paint paint;
    paint.klass = static_cast<std::uint8_t>(klass);
    paint.shines = klass == Klass::window;
    paint.first = jittered(row);
    paint.texture = row.textures[random_.below(static_cast<std::uint32_t>(row.texture_count))];
    paint.cell = row.cell * within({.7, 1.4});
    paint.salt = random_.next_u32();
    const double sign = random_.below(2) == 0 ? 1 : -1;
    const Vec3 other = jittered(row);
    const double red = random_.uniform(), green = random_.uniform(), blue = random_.uniform();
    if (difficulty_ == 0) {
      paint.texture = Texture::plain;
      return paint;
    }
    const double contrast = difficulty_ == 1 ? 0.2 : 0.3;
    const double factor = 1 + sign * contrast;
    if (row.two_colours)
      paint.second = {0.5 * (other.x + red), 0.5 * (other.y + green), 0.5 * (other.z + blue)};
    else
      paint.second = {clip(paint.first.x * factor), clip(paint.first.y * factor), clip(paint.first.z * factor)};
    return paint;
  }
  Paint paint(int klass) { return paint(klass, klass); }

  int box_class() {
    int total = 0;
    for (const Row& row : kRows) total += row.weight;
    int ticket = between(0, total - 1);
    int klass = 0;
    while (ticket >= kRows[static_cast<std::size_t>(klass)].weight) ticket -= kRows[static_cast<std::size_t>(klass++)].weight;
    return klass;
  }

  // A disc of the floor that meets no other, no wall and not the camera.
  struct Disc {
    double x = 0, z = 0, radius = 0;
  };
  std::optional<Disc> place(const Scene& scene, double radius, const std::vector<Disc>& taken) {
    for (int attempt = 0; attempt < 24; ++attempt) {
      const double across = random_.uniform(), away = random_.uniform();
      const Range x{radius, scene.width - radius}, z{scene.camera.at.z + radius, scene.depth - radius};
      if (x.low >= x.high || z.low >= z.high) continue;
      const Disc disc{x.low + (x.high - x.low) * across, z.low + (z.high - z.low) * away, radius};
      const auto apart = [&](const Disc& other, double gap) {
        const double dx = disc.x - other.x, dz = disc.z - other.z, least = disc.radius + other.radius + gap;
        return dx * dx + dz * dz > least * least;
      };
      bool free = apart({scene.camera.at.x, scene.camera.at.z, 0}, 0.5);
      for (const Disc& other : taken) free = free && apart(other, 0);
      if (free) return disc;
    }
    return std::nullopt;
  }

  void furnish(Scene& scene) {
    std::vector<Disc> taken;
    const int boxes = between(3, difficulty_ == 0 ? 5 : 8);
    for (int i = 0; i < boxes; ++i) {
      const int klass = box_class();
      const Row& row = kRows[static_cast<std::size_t>(klass)];
      Box box;
      box.half_x = 0.5 * within(row.width);
      box.half_z = 0.5 * within(row.depth);
      box.height = within(row.height);
      const double turn = between(-300, 300), length = std::sqrt(turn * turn + 1e6);
      const bool across = random_.below(2) == 0;
      box.cosine = across ? 1000 / length : turn / length;
      box.sine = across ? turn / length : 1000 / length;
      const int disguise = between(0, 3), other = box_class();
      box.paint = paint(klass, difficulty_ == 2 && disguise == 0 ? other : klass);
      const double radius = 0.75 * std::sqrt(box.half_x * box.half_x + box.half_z * box.half_z);
      const std::optional<Disc> disc = place(scene, radius, taken);
      if (!disc) continue;
      box.x = disc->x;
      box.z = disc->z;
      taken.push_back(*disc);
      scene.boxes.push_back(box);
    }
    const int spheres = between(0, 2);
    for (int i = 0; i < spheres; ++i) {
      Sphere sphere;
      sphere.radius = within({.15, .40});
      sphere.paint = paint(Klass::objects);
      const std::optional<Disc> disc = place(scene, sphere.radius, taken);
      if (!disc) continue;
      sphere.centre = {disc->x, sphere.radius, disc->z};
      taken.push_back(*disc);
      scene.spheres.push_back(sphere);
    }
  }

  void hang(Scene& scene) {
    const int count = between(2, 5);
    for (int i = 0; i < count; ++i) {
      Rectangle it;
      const int klass = between(0, 1) == 0 ? Klass::picture : Klass::window;
      it.wall = static_cast<Wall>(between(0, 2));
      const double length = it.wall == Wall::far ? scene.width : scene.depth;
      const double width = klass == Klass::picture ? within({.5, 1.4}) : within({.8, 2.0});
      const double height = klass == Klass::picture ? within({.4, 1.0}) : within({.9, 1.5});
      const double middle = within({1.3, 1.8}), sill = within({.6, .9});
      it.along_from = (length - width) * random_.uniform();
      it.along_to = it.along_from + width;
      it.low = klass == Klass::picture ? middle - 0.5 * height : sill;
      it.high = it.low + height;
      it.paint = paint(klass);
      bool free = true;
      for (const Rectangle& other : scene.rectangles)
        free = free && (other.wall != it.wall || other.along_to < it.along_from || other.along_from > it.along_to ||
                        other.high < it.low || other.low > it.high);
      if (free) scene.rectangles.push_back(it);
    }
  }

  int difficulty_;
  PhiloxStream random_;
};

}  // namespace

Scene draw_scene(const RoomsSpec& spec, std::uint32_t id) { return Painter(spec, id).draw(); }

}  // namespace tenfold::mtl
