// The trained network that the programs carry inside: rooms-net with a segmentation, a depth and a normal head, all five blocks
// shared, trained on rooms by sample_data/mtl/make_rooms_shared.sh.
#pragma once

#include "mtl/model.h"

namespace tenfold::mtl {

inline constexpr const char* kSampleModel = "embedded:rooms_shared";

// With its input convention and its tasks.
Model sample_model();

}  // namespace tenfold::mtl
