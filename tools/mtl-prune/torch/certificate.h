// The proof that removal changed nothing but size: the net with removed units' gates at 0 where consumers read, against the net
// without them, on images of two sizes, in float32 and in float64.
#pragma once

#include <ATen/ATen.h>

#include <array>
#include <cstdint>
#include <vector>

#include "mtl-prune/plan.h"
#include "mtl-prune/units.h"
#include "mtl/model.h"

namespace tenfold::mtl_prune {

struct Certificate {
  double max_abs = 0;            // of the difference in float32, over images, sizes and outputs
  double tolerance = 1e-5;       // 1e-5 max(1, max |masked|), of the output that came nearest to its own
  double max_abs_float64 = 0;
  double tolerance_float64 = 1e-12;
  std::int64_t n = 0;            // images
  std::vector<std::array<std::int64_t, 2>> sizes;  // height, width
  bool finite = true;            // every output was
  std::vector<double> scales;    // max(1, max |masked|) of each output on each batch: what the tolerances come from

  bool holds() const { return finite && max_abs <= tolerance && max_abs_float64 <= tolerance_float64; }
};

// Images as the model takes them, [n, C, height, width] float32, each batch of one size.
Certificate certify(const mtl::Model& model, const mtl::Model& small, const Units& units, const Plan& plan,
                    const std::vector<at::Tensor>& images);

// `count` images of noise in the model's own range, keyed by seed.
at::Tensor noise_images(std::int64_t count, std::int64_t channels, std::int64_t height, std::int64_t width, std::uint64_t seed);

}  // namespace tenfold::mtl_prune
