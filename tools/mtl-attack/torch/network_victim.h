// A network as an attack sees it. Every image of a batch gets its own gradient from one backward pass, since the sum of the
// images' losses is what is differentiated and, in eval mode, no image's loss depends on another image. One intra-op thread: the
// images are spread over threads, not the kernels, so that no thread count changes a bit.
#pragma once

#include <memory>

#include "mtl-attack/victim.h"
#include "mtl/torch/network.h"

namespace tenfold::mtl_attack {

std::unique_ptr<Victim> make_victim(std::shared_ptr<const mtl::Network> network, VictimFacts facts);

}  // namespace tenfold::mtl_attack
