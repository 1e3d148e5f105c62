// MTAN's augmentation: a random crop of scale 1, 1.2 or 1.5 brought back to full size, and a mirror image half of the time.
#pragma once

#include <vector>

#include "base/philox.h"
#include "mtl/dataset.h"
#include "mtl/tasks.h"

namespace tenfold::mtl {

// Images and normals are resized bilinearly (align_corners true), other maps and what is valid by the nearest pixel; depth is
// divided by the scale (what is nearer looks larger), the normals' x is negated in the mirror. Labels that are no maps stay.
// Throws Error input for a map of another size than its image.
Sample augment(const Sample& sample, const std::vector<Task>& tasks, PhiloxStream& random);

}  // namespace tenfold::mtl
