// Philox on lanes for AVX2.
#include <immintrin.h>

#include <cstring>

#include "gnnbench/philox_kernels.h"

namespace tenfold::gnnbench {

namespace {

struct Simd {
  using Lanes = std::uint64_t __attribute__((vector_size(64)));
  static std::uint32_t bits_at_least(const Lanes& words, std::uint64_t threshold) {
    __m256i half[2];
    std::memcpy(half, &words, sizeof half);
    const __m256i below = _mm256_set1_epi64x(static_cast<std::int64_t>(threshold) - 1);  // words and threshold fit in 33 bits
    std::uint32_t bits = 0;
    for (int i = 0; i < 2; ++i)
      bits |= static_cast<std::uint32_t>(_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(half[i], below)))) << 4 * i;
    return bits;
  }
  static std::uint64_t spread(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    constexpr std::uint64_t kFourth = 0x1111111111111111;
    return _pdep_u64(a, kFourth) | _pdep_u64(b, kFourth << 1) | _pdep_u64(c, kFourth << 2) | _pdep_u64(d, kFourth << 3);
  }
  template <bool relu>
  static void apply(std::uint64_t mask, const float* x, float* out, float scale) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    for (int i = 0; i < 64; i += 8) {
      const __m256i bits = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(mask >> i & 255)), bit);
      __m256 pass = _mm256_castsi256_ps(_mm256_cmpeq_epi32(bits, bit));
      const __m256 value = _mm256_loadu_ps(x + i);
      if constexpr (relu) pass = _mm256_and_ps(pass, _mm256_cmp_ps(value, _mm256_setzero_ps(), _CMP_NLE_UQ));
      _mm256_storeu_ps(out + i, _mm256_and_ps(pass, _mm256_mul_ps(value, _mm256_set1_ps(scale))));
    }
  }
};

#include "gnnbench/philox_body.h"

}  // namespace

const PhiloxKernels kPhiloxAvx2 = {mask_rows<false, float>, mask_rows<true, float>, keep_bits, uniform_bits};

}  // namespace tenfold::gnnbench
