// The Gaussian block's kernels for plain x86-64-v2.
#include <immintrin.h>

#include "hmc-marg/block_kernels.h"

namespace tenfold::hmc_marg {

namespace {

#include "hmc-marg/block_kernels_body.h"

}  // namespace

BlockKernels block_kernels_plain(const BlockClass& shape) { return choose(shape); }

}  // namespace tenfold::hmc_marg
