// The rooms renderer, version 1: furnished rooms seen from inside, with classes, depth and normals known by construction. The
// default data of both multi-task tools. Bit-identical from any IEEE compiler: only + - * / sqrt in double (and comparisons and
// conversions), no contraction, no library function, random numbers by Philox keyed by (seed, "rooms/1/SPLIT") and the image's
// number. A change that moves any byte is a new version.
//
// A scene
//   room       3-6 m wide (x), 3-7 m deep (z), 2.4-3.2 m high (y up); its corner is the origin
//   camera     x 0.35-0.65 of the width, z 0.3-0.8 m from the near wall, 1.2-1.7 m high; yaw within 25 degrees (tangent within
//              0.466), pitch tangent from -0.30 (down) to 0; half the image's width has tangent 0.90
//   boxes      3-8 on the floor (3-5 at difficulty 0), class by the weights below, turned by up to 17 degrees from one of the
//              two walls' directions; the discs of 3/4 of their half diagonals meet neither one another nor walls (so corners may
//              touch) and lie beyond the camera, 0.5 m away from it; one that finds no place in 24 tries is left out
//   spheres    0-2 on the floor, class objects, placed alike
//   rectangles 2-5 on the left, far and right wall, class picture or window evenly; one that meets another is left out
//   light      a point 0.15-0.35 m below the ceiling, x and z 0.3-0.7 of the room; hard shadows of boxes and spheres; Lambert
//              with ambient 0.40-0.55, the rest falling off as 1 / (1 + 0.03 d^2); windows shine by themselves
//   class      size in m (width x depth x height)          colour            jitter  textures                 cell m  weight
//   bed        1.4-2.0 x 1.9-2.1 x 0.45-0.60               .78 .36 .42       .10     plain stripes checker    .20     2
//   books      0.6-1.1 x 0.25-0.35 x 0.8-1.8               .70 .25 .15       .12     stripes of two colours   .06     2
//   ceiling    -                                           .93 .93 .90       .04     plain                    -       -
//   chair      0.40-0.55 x 0.40-0.55 x 0.8-1.0             .85 .55 .15       .10     plain noise              .10     4
//   floor      -                                           .52 .40 .28       .09     checker stripes noise    .40     -
//   furniture  0.6-1.4 x 0.4-0.6 x 0.9-2.0                 .40 .24 .12       .08     plain stripes noise      .25     3
//   objects    radius 0.15-0.40                            .55 .20 .65       .20     plain checker            .12     -
//   picture    0.5-1.4 wide, 0.4-1.0 high, centre 1.3-1.8  .30 .35 .55       .25     noise checker, 2 colours .18     -
//   sofa       1.5-2.2 x 0.80-0.95 x 0.70-0.90             .20 .45 .35       .10     plain noise stripes      .15     3
//   table      0.8-1.6 x 0.6-0.9 x 0.70-0.78               .72 .60 .42       .08     plain noise              .20     3
//   tv         0.9-1.4 x 0.08-0.20 x 0.6-0.9               .07 .08 .11       .05     plain noise              .30     2
//   wall       -                                           .80 .76 .66       .10     plain stripes noise      .35     -
//   window     0.8-2.0 wide, 0.9-1.5 high, sill 0.6-0.9    .72 .88 .98       .06     plain stripes            .45     -
// Colours move by one common and three single jitters; the second colour of a texture is the first times 1 +- 0.2, or a colour of
// its own where two are said.
//
// difficulty 0: no textures, half the jitter, 3-5 boxes. 1 (default): as above. 2: twice the jitter, half again the texture's
// contrast, ambient 0.15-0.30, a tinted light, and one box in four wears another class's colour.
// noise S: to each colour value S times (the sum of 12 uniforms - 6) is added before the rounding. holes P: depth is 0 (not
// valid) in discs, of radius 0.02-0.08 of the height, that together cover at least the share P.
// split: train, val, test (any of them endless); default seed 1, size 96x128, n 64.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::mtl {

inline constexpr int kRoomsVersion = 1;
inline constexpr int kRoomsClasses = 13;
inline constexpr std::array<std::string_view, kRoomsClasses> kRoomsClassNames = {
    "bed", "books", "ceiling", "chair", "floor", "furniture", "objects", "picture", "sofa", "table", "tv", "wall", "window"};
inline constexpr double kRoomsHalfWidthTangent = 0.90;  // focal length in pixels: width / 2 / this

struct RoomsSpec {
  std::int64_t n = 64;
  int height = 96, width = 128;
  std::uint64_t seed = 1;
  std::string split = "test";
  int difficulty = 1;
  double noise = 0;
  double holes = 0;
};

// Pixel (row i, column j) looks along ((j + 1/2 - width/2) / f, (i + 1/2 - height/2) / f, 1), x right, y down, z forward.
struct RoomImage {
  int height = 0, width = 0;
  std::vector<std::uint8_t> rgb;  // [height, width, 3]
  std::vector<std::uint8_t> labels;  // [height, width], index into kRoomsClassNames
  std::vector<float> depth;  // [height, width], metres along z; 0 in holes
  std::vector<float> normal;  // [3, height, width], unit, facing the camera
  std::vector<float> edge;  // [height, width] in [0, 1]: 4 x the luminance's gradient (central differences), clipped
  std::vector<float> keypoint;  // the same: 16 x the smaller eigenvalue of the gradients' 5x5 structure tensor (a mean)
};

// Image `id` of the set. About a millisecond at 96x128.
RoomImage render_room(const RoomsSpec& spec, std::uint32_t id);

// SHA-256 over images 0..n-1, in that order: u8 image, u8 labels, then f32 depth, normal, edge, keypoint, little-endian.
std::string rooms_sha256(const RoomsSpec& spec);

}  // namespace tenfold::mtl
