// Small pictures for the report: images, what was added to them, and what a network says about them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mtl-attack/image_store.h"
#include "mtl-attack/victim.h"
#include "mtl/dataset.h"

namespace tenfold::mtl_attack {

// A PNG's bytes.
std::string picture(std::span<const std::uint8_t> planar, const ImageSize& size);

// 128 + 10 (adversarial - clean), clamped: grey is no change.
std::string difference_picture(std::span<const std::uint8_t> adversarial, std::span<const std::uint8_t> clean,
                               const ImageSize& size);

// A map's prediction in colours: classes by their number, one channel from dark (low) to bright (high), three as directions.
// Range of one channel from `low` to `high`. "" for what is no map.
std::string prediction_picture(const mtl::Task& task, const Prediction& prediction, double low, double high);

// The 2nd and 98th percentile of a one-channel prediction: a common range for several pictures.
struct Range {
  double low = 0, high = 1;
};
Range prediction_range(const Prediction& prediction);

}  // namespace tenfold::mtl_attack
