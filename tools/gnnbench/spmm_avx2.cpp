// spmm for AVX2.
#include <immintrin.h>

#include "gnnbench/spmm_kernels.h"

namespace tenfold::gnnbench {

namespace {

#include "gnnbench/spmm_body.h"

struct Avx2 {
  using Real = float;
  using Vector = __m256;
  static constexpr int lanes = 8;
  static constexpr int most = 8;  // of 16 registers
  static Vector zero() { return _mm256_setzero_ps(); }
  static Vector all(float x) { return _mm256_set1_ps(x); }
  static __m256i first(int n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static Vector load_first(const float* p, int n) { return _mm256_maskload_ps(p, first(n)); }
  static void store(float* p, Vector x) { _mm256_storeu_ps(p, x); }
  static void store_first(float* p, Vector x, int n) { _mm256_maskstore_ps(p, first(n), x); }
  static Vector plus(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector times(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
  static Vector over(Vector a, Vector b) { return _mm256_div_ps(a, b); }
};

}  // namespace

void spmm_rows_avx2(const SpmmArguments<float>& a, std::int64_t begin, std::int64_t end) { rows_of<Avx2>(a, begin, end); }

}  // namespace tenfold::gnnbench
