// Label propagation, the baseline that needs no features: Z <- 0.9 A^ Z + 0.1 Y, 50 times from Z = Y, with A^ = D^-1/2 (A + I)
// D^-1/2 and Y the training labels as one-hot rows (Zhou et al. 2003, "Learning with local and global consistency").
#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

inline constexpr int kPropagationSteps = 50;
inline constexpr float kPropagationShare = 0.9f;

// Class scores Z [n, C], row-major. A node that no label reaches has zeros.
std::vector<float> propagate_labels(const Dataset& data, ThreadPool& pool);

}  // namespace tenfold::gnnbench
