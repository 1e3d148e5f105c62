// Which instruction set's kernels run here.
#include "hmc-marg/block_kernels.h"

namespace tenfold::hmc_marg {

BlockKernels block_kernels(const BlockClass& shape) {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw"))
    return block_kernels_avx512(shape);
  if (__builtin_cpu_supports("avx2")) return block_kernels_avx2(shape);
  return block_kernels_plain(shape);
}

}  // namespace tenfold::hmc_marg
