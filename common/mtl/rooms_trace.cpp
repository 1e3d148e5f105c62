// One ray a pixel through a scene, and one from the light to what it meets. All in double, only + - * / sqrt: see rooms.h.
#include <cmath>
#include <limits>

#include "mtl/rooms_scene.h"

namespace tenfold::mtl {

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// Where a ray meets a surface: the distance in units of its direction, the normal towards its origin, and the place on the
// surface in metres, which textures are laid out in.
struct Hit {
  double t = kNever;
  Vec3 normal;
  double u = 0, v = 0;
  const Paint* paint = nullptr;
};

// Toward minus infinity; exact.
std::int64_t floor_of(double v) {
  const auto truncated = static_cast<std::int64_t>(v);
  return static_cast<double>(truncated) > v ? truncated - 1 : truncated;
}

// A number in [0, 1) per lattice point: the integer finalizer of MurmurHash3 over both coordinates.
double lattice(std::int64_t i, std::int64_t j, std::uint32_t salt) {
  std::uint32_t h = salt ^ (static_cast<std::uint32_t>(i) * 0x9E3779B1u) ^ (static_cast<std::uint32_t>(j) * 0x85EBCA77u);
  h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
  h = (h ^ (h >> 13)) * 0xC2B2AE35u;
  h ^= h >> 16;
  return static_cast<double>(h) * 0x1p-32;
}

// How much of the second colour there is at (u, v).
double mixture(const Paint& paint, double u, double v) {
  if (paint.texture == Texture::plain) return 0;
  const double a = u / paint.cell, b = v / paint.cell;
  const std::int64_t i = floor_of(a), j = floor_of(b);
  if (paint.texture == Texture::stripes) return static_cast<double>(i & 1);
  if (paint.texture == Texture::checker) return static_cast<double>((i ^ j) & 1);
  const double x = a - static_cast<double>(i), y = b - static_cast<double>(j);
  const double low = lattice(i, j, paint.salt) * (1 - x) + lattice(i + 1, j, paint.salt) * x;
  const double high = lattice(i, j + 1, paint.salt) * (1 - x) + lattice(i + 1, j + 1, paint.salt) * x;
  return low * (1 - y) + high * y;
}

Vec3 colour_of(const Paint& paint, double u, double v) {
  const double share = mixture(paint, u, v);
  return paint.first * (1 - share) + paint.second * share;
}

// A box as rays from one origin see it: the origin in the box's own frame, and the ball around it.
struct SeenBox {
  const Box* box;
  Vec3 origin;        // in the box's frame: x, z from its centre, y from the floor
  Vec3 to_centre;     // of the ball, from the origin
  double beyond = 0;  // squared distance of the centre less the squared radius
};

struct SeenSphere {
  const Sphere* sphere;
  Vec3 to_centre;
  double beyond = 0;
};

Vec3 into(const Box& box, Vec3 v) { return {box.cosine * v.x + box.sine * v.z, v.y, box.cosine * v.z - box.sine * v.x}; }
Vec3 out_of(const Box& box, Vec3 v) { return {box.cosine * v.x - box.sine * v.z, v.y, box.cosine * v.z + box.sine * v.x}; }

class View {
 public:
  View(const Scene& scene, Vec3 origin) : scene_(scene), origin_(origin) {
    for (const Box& box : scene.boxes) {
      SeenBox seen{&box, into(box, origin - Vec3{box.x, 0, box.z}), Vec3{box.x, 0.5 * box.height, box.z} - origin, 0};
      const double radius2 = box.half_x * box.half_x + box.half_z * box.half_z + 0.25 * box.height * box.height;
      seen.beyond = dot(seen.to_centre, seen.to_centre) - radius2 * 1.000001;
      boxes_.push_back(seen);
    }
    for (const Sphere& sphere : scene.spheres) {
      SeenSphere seen{&sphere, sphere.centre - origin, 0};
      seen.beyond = dot(seen.to_centre, seen.to_centre) - sphere.radius * sphere.radius;
      spheres_.push_back(seen);
    }
  }

  Hit first(Vec3 direction) const {
    Hit hit = shell(direction);
    const double length2 = dot(direction, direction);
    for (const SeenBox& seen : boxes_)
      if (near_ball(seen.to_centre, seen.beyond, direction, length2)) meet(seen, direction, hit);
    for (const SeenSphere& seen : spheres_)
      if (near_ball(seen.to_centre, seen.beyond, direction, length2)) meet(seen, direction, length2, hit);
    return hit;
  }

  // Whether something stands before t = 1.
  bool blocked(Vec3 direction) const {
    const double length2 = dot(direction, direction);
    Hit hit;
    hit.t = 1 - 1e-6;
    for (const SeenBox& seen : boxes_)
      if (near_ball(seen.to_centre, seen.beyond, direction, length2) && meet(seen, direction, hit)) return true;
    for (const SeenSphere& seen : spheres_)
      if (near_ball(seen.to_centre, seen.beyond, direction, length2) && meet(seen, direction, length2, hit)) return true;
    return false;
  }

 private:
  static bool near_ball(Vec3 to_centre, double beyond, Vec3 direction, double length2) {
    if (beyond <= 0) return true;  // the origin is inside the ball
    const double along = dot(to_centre, direction);
    return along > 0 && along * along >= length2 * beyond;
  }

  // Floor, ceiling or wall, with what hangs on it: the origin is inside the room.
  Hit shell(Vec3 d) const {
    const Vec3 size{scene_.width, scene_.height, scene_.depth};
    const double tx = d.x > 0 ? (size.x - origin_.x) / d.x : d.x < 0 ? -origin_.x / d.x : kNever;
    const double ty = d.y > 0 ? (size.y - origin_.y) / d.y : d.y < 0 ? -origin_.y / d.y : kNever;
    const double tz = d.z > 0 ? (size.z - origin_.z) / d.z : d.z < 0 ? -origin_.z / d.z : kNever;
    Hit hit;
    if (ty <= tx && ty <= tz) {
      hit.t = ty;
      hit.normal = {0, d.y > 0 ? -1.0 : 1.0, 0};
      hit.u = origin_.x + d.x * ty;
      hit.v = origin_.z + d.z * ty;
      hit.paint = d.y > 0 ? &scene_.ceiling : &scene_.floor;
      return hit;
    }
    const bool side = tx <= tz;
    hit.t = side ? tx : tz;
    hit.normal = side ? Vec3{d.x > 0 ? -1.0 : 1.0, 0, 0} : Vec3{0, 0, d.z > 0 ? -1.0 : 1.0};
    hit.u = side ? origin_.z + d.z * tx : origin_.x + d.x * tz;
    hit.v = origin_.y + d.y * hit.t;
    hit.paint = &scene_.wall;
    if (!side && d.z < 0) return hit;  // nothing hangs on the near wall
    const Wall wall = !side ? Wall::far : d.x > 0 ? Wall::right : Wall::left;
    for (const Rectangle& it : scene_.rectangles)
      if (it.wall == wall && hit.u >= it.along_from && hit.u <= it.along_to && hit.v >= it.low && hit.v <= it.high)
        hit.paint = &it.paint;
    return hit;
  }

  // Narrows [from, to] to where the coordinate lies within [low, high]. False: nowhere.
  static bool slab(double o, double d, double low, double high, int axis, double& from, double& to, int& entered) {
    if (d == 0) return o >= low && o <= high;
    double t0 = (low - o) / d, t1 = (high - o) / d;
    if (t0 > t1) {
      const double swap = t0;
      t0 = t1;
      t1 = swap;
    }
    if (t0 > from) {
      from = t0;
      entered = axis;
    }
    if (t1 < to) to = t1;
    return from <= to;
  }

  // Takes the hit where the ray enters the box before hit.t.
  static bool meet(const SeenBox& seen, Vec3 direction, Hit& hit) {
    const Box& box = *seen.box;
    const Vec3 d = into(box, direction);
    const Vec3 o = seen.origin;
    double from = 0, to = hit.t;
    int entered = -1;
    if (!slab(o.x, d.x, -box.half_x, box.half_x, 0, from, to, entered)) return false;
    if (!slab(o.z, d.z, -box.half_z, box.half_z, 2, from, to, entered)) return false;
    if (!slab(o.y, d.y, 0, box.height, 1, from, to, entered)) return false;
    if (entered < 0 || from >= hit.t) return false;
    hit.t = from;
    hit.paint = &box.paint;
    const Vec3 at = o + d * from;
    if (entered == 0) {
      hit.normal = out_of(box, {d.x > 0 ? -1.0 : 1.0, 0, 0});
      hit.u = at.z;
      hit.v = at.y;
    } else if (entered == 1) {
      hit.normal = {0, d.y > 0 ? -1.0 : 1.0, 0};
      hit.u = at.x;
      hit.v = at.z;
    } else {
      hit.normal = out_of(box, {0, 0, d.z > 0 ? -1.0 : 1.0});
      hit.u = at.x;
      hit.v = at.y;
    }
    return true;
  }

  bool meet(const SeenSphere& seen, Vec3 direction, double length2, Hit& hit) const {
    if (seen.beyond <= 0) return false;  // seen from inside: not met
    const double along = dot(seen.to_centre, direction);
    const double under = along * along - length2 * seen.beyond;
    if (under <= 0) return false;
    const double t = (along - std::sqrt(under)) / length2;
    if (t <= 0 || t >= hit.t) return false;
    hit.t = t;
    hit.paint = &seen.sphere->paint;
    const Vec3 from_centre = direction * t - seen.to_centre;
    hit.normal = from_centre * (1 / seen.sphere->radius);
    hit.u = from_centre.x + from_centre.z;
    hit.v = from_centre.y;
    return true;
  }

  const Scene& scene_;
  Vec3 origin_;
  std::vector<SeenBox> boxes_;
  std::vector<SeenSphere> spheres_;
};

// Lambert: ambient, and what the point light gives where nothing stands between.
Vec3 shade(const Scene& scene, const View& from_light, const Hit& hit, Vec3 at) {
  const Vec3 colour = colour_of(*hit.paint, hit.u, hit.v);
  if (hit.paint->shines) return colour;
  const Vec3 ray = at - scene.light.at;
  double direct = 0;
  const double facing = -dot(ray, hit.normal);
  if (facing > 0 && !from_light.blocked(ray)) {
    const double distance2 = dot(ray, ray);
    direct = (1 - scene.light.ambient) * (facing / std::sqrt(distance2)) / (1 + 0.03 * distance2);
  }
  const Vec3 light = Vec3{1, 1, 1} * scene.light.ambient + scene.light.colour * direct;
  return {colour.x * light.x, colour.y * light.y, colour.z * light.z};
}

}  // namespace

Sight look(const Scene& scene, int height, int width) {
  const View from_camera(scene, scene.camera.at), from_light(scene, scene.light.at);
  const Camera& camera = scene.camera;
  const auto pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  Sight sight;
  sight.colour.resize(pixels);
  RoomImage& image = sight.image;
  image.height = height;
  image.width = width;
  image.labels.resize(pixels);
  image.depth.resize(pixels);
  image.normal.resize(3 * pixels);
  const double focal = 0.5 * width / kRoomsHalfWidthTangent;
  for (int i = 0; i < height; ++i) {
    const Vec3 row = camera.forward + camera.down * ((i + 0.5 - 0.5 * height) / focal);
    for (int j = 0; j < width; ++j) {
      const auto pixel = static_cast<std::size_t>(i) * static_cast<std::size_t>(width) + static_cast<std::size_t>(j);
      const Vec3 direction = row + camera.right * ((j + 0.5 - 0.5 * width) / focal);
      const Hit hit = from_camera.first(direction);
      sight.colour[pixel] = shade(scene, from_light, hit, camera.at + direction * hit.t);
      image.labels[pixel] = hit.paint->klass;
      image.depth[pixel] = static_cast<float>(hit.t);  // the direction's forward part is 1
      image.normal[pixel] = static_cast<float>(dot(hit.normal, camera.right));
      image.normal[pixels + pixel] = static_cast<float>(dot(hit.normal, camera.down));
      image.normal[2 * pixels + pixel] = static_cast<float>(dot(hit.normal, camera.forward));
    }
  }
  return sight;
}

}  // namespace tenfold::mtl
