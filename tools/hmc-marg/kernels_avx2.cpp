// The kernels for AVX2.
#define TENFOLD_KERNELS kKernelsAvx2
#include "hmc-marg/kernels.inc"
