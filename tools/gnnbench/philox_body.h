// Philox on lanes. Included into an anonymous namespace of each philox_*.cpp, after its struct Simd: bits_at_least (8 lanes ->
// 8 bits), spread (4 x 16 bits -> 64, word k of counter i to bit 4 i + k) and apply.
//
// Words stand in the lower halves of 64-bit lanes, where processors multiply them; upper halves hold what is left of products
// and are never read. Sixteen counters give the 64 words of 64 features in a row: their comparisons become one 64-bit mask, so
// that no word is ever stored.

using Wide = std::uint64_t __attribute__((vector_size(64)));
constexpr std::uint64_t kLower = 0xffffffff;
constexpr int kBlock = 16;  // counters

struct Words {
  Wide word[4];
};

inline void philox(const PhiloxCommon& common, const std::uint64_t* node, const std::uint64_t* draw, Words& w) {
  const Wide zero{};
  Wide c0 = zero + common.update, c1, c2, c3 = zero + common.last;
  std::memcpy(&c1, node, sizeof c1);
  std::memcpy(&c2, draw, sizeof c2);
  std::uint32_t key0 = common.key0, key1 = common.key1;
  for (int round = 0; round < 10; ++round) {
    const Wide product0 = (c0 & kLower) * std::uint64_t{0xD2511F53};
    const Wide product1 = (c2 & kLower) * std::uint64_t{0xCD9E8D57};
    c0 = (product1 >> 32) ^ (c1 ^ key0);
    c2 = (product0 >> 32) ^ (c3 ^ key1);
    c1 = product1;
    c3 = product0;
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  w = {{c0 & kLower, c1 & kLower, c2 & kLower, c3 & kLower}};
}

inline std::uint64_t keep16(const PhiloxCommon& common, std::uint64_t threshold, const std::uint64_t* node,
                            const std::uint64_t* draw) {
  Words low, high;
  philox(common, node, draw, low);
  philox(common, node + 8, draw + 8, high);
  std::uint32_t bits[4];
  for (int k = 0; k < 4; ++k)
    bits[k] = Simd::bits_at_least(low.word[k], threshold) | Simd::bits_at_least(high.word[k], threshold) << 8;
  return Simd::spread(bits[0], bits[1], bits[2], bits[3]);
}

// 64 consecutive features or fewer.
template <bool relu, class Real>
inline void apply_first(std::uint64_t mask, const Real* x, Real* out, Real scale, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const bool pass = (mask >> i & 1) && !(relu && x[i] <= 0);
    out[i] = pass ? x[i] * scale : Real{0};
  }
}

template <bool relu, class Real>
inline void apply(std::uint64_t mask, const Real* x, Real* out, Real scale, std::int64_t count) {
  if constexpr (sizeof(Real) == sizeof(float)) {
    if (count == 4 * kBlock) return Simd::template apply<relu>(mask, x, out, scale);
  }
  apply_first<relu>(mask, x, out, scale, count);
}

template <bool relu, class Real>
void mask_rows(const MaskArguments<Real>& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t draws = (a.width + 3) / 4;
  const auto id = [&](std::int64_t row) { return static_cast<std::uint32_t>(a.nodes ? a.nodes[row] : row); };
  alignas(64) std::uint64_t node[kBlock] = {}, draw[kBlock] = {};
  if (a.width % 4 == 0) {
    // Rows follow one another without gaps in the words, so that narrow rows fill the lanes too.
    std::int64_t row = begin, next = 0;
    for (std::int64_t t = begin * draws; t < end * draws; t += kBlock) {
      const std::int64_t here = end * draws - t < kBlock ? end * draws - t : kBlock;
      for (std::int64_t i = 0; i < here; ++i) {
        node[i] = id(row);
        draw[i] = static_cast<std::uint64_t>(next);
        if (++next == draws) {
          next = 0;
          ++row;
        }
      }
      apply<relu>(keep16(a.common, a.threshold, node, draw), a.x + 4 * t, a.out + 4 * t, a.scale, 4 * here);
    }
    return;
  }
  for (std::int64_t row = begin; row < end; ++row) {
    for (auto& n : node) n = id(row);
    for (std::int64_t first = 0; first < draws; first += kBlock) {
      for (int i = 0; i < kBlock; ++i) draw[i] = static_cast<std::uint64_t>(first + i);
      const std::int64_t column = 4 * first, here = a.width - column < 64 ? a.width - column : 64;
      const std::int64_t offset = row * a.width + column;
      apply<relu>(keep16(a.common, a.threshold, node, draw), a.x + offset, a.out + offset, a.scale, here);
    }
  }
}

void keep_bits(const PhiloxCommon& common, std::uint64_t threshold, const std::uint32_t* node, const std::uint32_t* draw,
               std::int64_t count, std::uint8_t* keep) {
  alignas(64) std::uint64_t nodes[kBlock], draws[kBlock];
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    for (int i = 0; i < kBlock; ++i) {
      nodes[i] = node[begin + i];
      draws[i] = draw[begin + i];
    }
    const std::uint64_t mask = keep16(common, threshold, nodes, draws);
    for (int i = 0; i < kBlock; ++i) keep[begin + i] = static_cast<std::uint8_t>(mask >> 4 * i & 15);
  }
}

void uniform_bits(const PhiloxCommon& common, const std::int32_t* node, std::int64_t count, std::uint64_t* out) {
  alignas(64) std::uint64_t nodes[8] = {};
  constexpr std::uint64_t zeros[8] = {};
  Words w;
  for (std::int64_t begin = 0; begin < count; begin += 8) {
    const std::int64_t here = count - begin < 8 ? count - begin : 8;
    for (std::int64_t i = 0; i < here; ++i) nodes[i] = static_cast<std::uint32_t>(node[begin + i]);
    philox(common, nodes, zeros, w);
    const Wide bits = (w.word[0] << 32 | w.word[1]) >> 11;
    std::memcpy(out + begin, &bits, static_cast<std::size_t>(here) * sizeof *out);
  }
}
