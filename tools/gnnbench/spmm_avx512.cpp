// spmm for AVX-512.
#include <immintrin.h>

#include "gnnbench/spmm_kernels.h"

namespace tenfold::gnnbench {

namespace {

#include "gnnbench/spmm_body.h"

struct Avx512 {
  using Real = float;
  using Vector = __m512;
  static constexpr int lanes = 16;
  static constexpr int most = 8;  // 128 columns; see spmm_body.h
  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector all(float x) { return _mm512_set1_ps(x); }
  static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static Vector load_first(const float* p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store(float* p, Vector x) { _mm512_storeu_ps(p, x); }
  static void store_first(float* p, Vector x, int n) { _mm512_mask_storeu_ps(p, first(n), x); }
  static Vector plus(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector times(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  static Vector over(Vector a, Vector b) { return _mm512_div_ps(a, b); }
};

}  // namespace

void spmm_rows_avx512(const SpmmArguments<float>& a, std::int64_t begin, std::int64_t end) { rows_of<Avx512>(a, begin, end); }

}  // namespace tenfold::gnnbench
