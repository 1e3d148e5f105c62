// The kernels for AVX-512.
#define TENFOLD_KERNELS kKernelsAvx512
#include "hmc-marg/kernels.inc"
