// Lays a system's rows out for the kernels: components of equal structure become classes, their numbers arrays of eight lanes.
#pragma once

#include <memory>
#include <vector>

#include "hmc-marg/block_kernels.h"
#include "hmc-marg/block_system.h"

namespace tenfold::hmc_marg {

// value(ref) / value(scale), either absent (-1). Factor 0 is the number 1.
struct BlockFactor {
  std::int32_t ref = -1;    // index into BlockLayout::inputs
  std::int32_t scale = -1;  // index into BlockLayout::scales
};

struct BlockClassData {
  std::vector<std::uint32_t> members;  // component of each lane: its place in BlockPartition::components, or beyond
  BlockClass shape;  // its pointers are set by BlockLayout's maker and stay valid while the layout lives
  std::vector<std::int32_t> part_first, scale, border;
  std::vector<BlockPart> part;
  std::vector<double> number, diagonal;
  std::vector<std::uint32_t> gather;
  BlockKernels kernels;
};

struct BlockLayout {
  std::vector<Slot> inputs;               // distinct slots read
  std::vector<std::int32_t> scales;       // places in inputs that are scales
  std::vector<std::int32_t> positive;     // places in inputs that must be positive: all scales, whitening ones included
  std::vector<BlockFactor> factors;
  std::vector<std::unique_ptr<BlockClassData>> classes;
  std::vector<double> border_diagonal;    // [p] 1: whitened, 0: flat
  std::size_t work = 0, scratch = 0;      // doubles
};

BlockLayout lay_out(const BlockSystem& system, ChooseKernels choose);

}  // namespace tenfold::hmc_marg
