// Runs one cell's attack on a batch of images: each evaluation of the batch feeds every image its own losses and gradient.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mtl-attack/image_attack.h"
#include "mtl-attack/victim.h"

namespace tenfold::mtl_attack {

struct BatchImage {
  std::string id;
  const CleanImage* facts = nullptr;
  std::span<const float> clean;  // planar, n values; all images of a batch have the same n
};

struct StartOptions {
  int restarts = 1;           // restart 0 begins at the image, unless random; the others uniformly in the ball
  bool random = false;
  std::uint64_t seed = 1;
  bool as_floats = false;     // restarts are compared as they are and not as 8-bit images
};

struct Attacked {
  std::vector<float> x;  // where the chosen restart ended
  int restart = 0;
  int forward_passes = 0, backward_passes = 0;  // of all restarts, without what chooses among them
  std::vector<bool> floored;
  bool dual_converged = true;
  std::vector<StepTrace> trace;
  std::string failure;  // not empty: this image cannot be attacked
};

// With plan.trace the point is evaluated once more at the end, which no count of passes holds.
std::vector<Attacked> attack_batch(Oracle& oracle, const AttackPlan& plan, const std::vector<BatchImage>& images,
                                   const LossScale& scale, const StartOptions& start);

}  // namespace tenfold::mtl_attack
