// The Gaussian block's kernels for AVX2.
#include <immintrin.h>

#include "hmc-marg/block_kernels.h"

namespace tenfold::hmc_marg {

namespace {

#include "hmc-marg/block_kernels_body.h"

}  // namespace

BlockKernels block_kernels_avx2(const BlockClass& shape) { return choose(shape); }

}  // namespace tenfold::hmc_marg
