// The kernels for x86-64-v2 (every processor that runs this program).
#define TENFOLD_KERNELS kKernelsBase
#include "hmc-marg/kernels.inc"
