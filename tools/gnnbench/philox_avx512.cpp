// Philox on lanes for AVX-512.
#include <immintrin.h>

#include <cstring>

#include "gnnbench/philox_kernels.h"

namespace tenfold::gnnbench {

namespace {

struct Simd {
  using Lanes = std::uint64_t __attribute__((vector_size(64)));
  static std::uint32_t bits_at_least(const Lanes& words, std::uint64_t threshold) {
    __m512i all;
    std::memcpy(&all, &words, sizeof all);
    return _mm512_cmpge_epu64_mask(all, _mm512_set1_epi64(static_cast<std::int64_t>(threshold)));
  }
  static std::uint64_t spread(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    constexpr std::uint64_t kFourth = 0x1111111111111111;
    return _pdep_u64(a, kFourth) | _pdep_u64(b, kFourth << 1) | _pdep_u64(c, kFourth << 2) | _pdep_u64(d, kFourth << 3);
  }
  template <bool relu>
  static void apply(std::uint64_t mask, const float* x, float* out, float scale) {
    for (int i = 0; i < 64; i += 16) {
      auto pass = static_cast<__mmask16>(mask >> i);
      const __m512 value = _mm512_loadu_ps(x + i);
      if constexpr (relu) pass = _mm512_mask_cmp_ps_mask(pass, value, _mm512_setzero_ps(), _CMP_NLE_UQ);
      _mm512_storeu_ps(out + i, _mm512_maskz_mul_ps(pass, value, _mm512_set1_ps(scale)));
    }
  }
};

#include "gnnbench/philox_body.h"

}  // namespace

const PhiloxKernels kPhiloxAvx512 = {mask_rows<false, float>, mask_rows<true, float>, keep_bits, uniform_bits};

}  // namespace tenfold::gnnbench
