// The built-in networks, as graphs with freshly drawn weights: rooms-net, vgg16-mtl, vgg16-mtl-small, each with blocks b0..b4
// that tasks share or own as a layout says, and a head per task.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mtl/model.h"

namespace tenfold::mtl {

struct ArchitectureSpec {
  std::string arch = "rooms-net";
  std::string layout = "shared";     // shared | branch:K | independent | a JSON list of five partitions of the tasks
  std::vector<std::int64_t> widths = {};  // channels of vgg16's 13 convolutions; empty: the architecture's own
};

// Kaiming normal (fan-out) weights, biases 0, norms 1 / 0, drawn by name and seed alone. Parameters `blocks.B.G.*`,
// `heads.TASK.*`. Throws Error usage: unknown architecture (with the nearest), a layout that is none.
Model build(const ArchitectureSpec& spec, const TaskFile& tasks, std::uint64_t seed);

// New weights for any graph, by the same rule: what `retrain --init random` starts from. Parameters that are operands (of add,
// mul
// ...) keep their values: a constant cannot be told from a learned scale.
void initialise(Model& model, std::uint64_t seed);

// For each block the groups of tasks that share it; every partition refines the one before.
using Layout = std::vector<std::vector<std::vector<int>>>;
Layout parse_layout(std::string_view layout, int tasks, int blocks);
std::vector<Layout> all_layouts(int tasks, int blocks);  // 51 for 3 tasks and 5 blocks

}  // namespace tenfold::mtl
