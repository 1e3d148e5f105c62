// Two ways of training against each other by their losses on the same images under the same seeds: relative difference with a
// bootstrap interval that draws seeds and images.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::mtl_prune {

// One task's losses, [seed][image]; NaN where an image has no valid label.
struct LossPairs {
  std::vector<std::vector<double>> a, b;
};

struct RelativeDifference {
  double difference = 0;  // (mean a - mean b) / mean b over pairs that have both
  double low = 0, high = 0;  // 95 %: percentiles of 2000 draws of seeds, then of images (the same for all seeds), both with
                             // replacement
  std::size_t seeds = 0, images = 0;
  bool shown() const { return low > 0 || high < 0; }
};

// One per task, and at the end the mean over tasks, drawn together.
std::vector<RelativeDifference> compare_losses(const std::vector<LossPairs>& tasks, std::uint64_t seed);

// "new weights have a loss lower by 3.1 % than pruned weights (95 % interval 1.2 to 5.0 %, 3 seeds, 64 images)", or "no
// difference shown ...".
std::string verdict(const RelativeDifference& difference, const std::string& a, const std::string& b);

}  // namespace tenfold::mtl_prune
