// Philox on lanes for x86-64-v2, and dropout in double precision.
#include <cstring>

#include "gnnbench/philox_kernels.h"

namespace tenfold::gnnbench {

namespace {

struct Simd {
  using Lanes = std::uint64_t __attribute__((vector_size(64)));
  static std::uint32_t bits_at_least(const Lanes& words, std::uint64_t threshold) {
    std::uint32_t bits = 0;
    for (int i = 0; i < 8; ++i) bits |= static_cast<std::uint32_t>(words[i] >= threshold) << i;
    return bits;
  }
  static std::uint64_t every_fourth(std::uint64_t x) {  // bit i of 16 to bit 4 i
    x = (x | x << 24) & 0x000000ff000000ff;
    x = (x | x << 12) & 0x000f000f000f000f;
    x = (x | x << 6) & 0x0303030303030303;
    return (x | x << 3) & 0x1111111111111111;
  }
  static std::uint64_t spread(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    return every_fourth(a) | every_fourth(b) << 1 | every_fourth(c) << 2 | every_fourth(d) << 3;
  }
  template <bool relu>
  static void apply(std::uint64_t mask, const float* x, float* out, float scale) {
    for (int i = 0; i < 64; ++i) {
      const bool pass = (mask >> i & 1) && !(relu && x[i] <= 0);
      out[i] = pass ? x[i] * scale : 0.f;
    }
  }
};

#include "gnnbench/philox_body.h"

}  // namespace

const PhiloxKernels kPhiloxPlain = {mask_rows<false, float>, mask_rows<true, float>, keep_bits, uniform_bits};

void mask_rows_double(const MaskArguments<double>& a, std::int64_t begin, std::int64_t end) { mask_rows<false>(a, begin, end); }
void relu_mask_rows_double(const MaskArguments<double>& a, std::int64_t begin, std::int64_t end) {
  mask_rows<true>(a, begin, end);
}

}  // namespace tenfold::gnnbench
