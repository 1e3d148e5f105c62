// Philox4x32-10.
#include "base/philox.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/ziggurat.h"

namespace tenfold {

namespace {

// Table 2 of the paper.
constexpr std::uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57, kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;

// The finalizer of SplitMix64 (Steele, Lea and Flood 2014), a bijection of 64 bits.
std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

// FNV-1a.
std::uint64_t hash_text(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return hash;
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{kMultiplier0} * counter[0];
    const std::uint64_t product1 = std::uint64_t{kMultiplier1} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

std::array<std::uint32_t, 2> philox_key(std::uint64_t seed, std::string_view purpose) {
  const std::uint64_t key = mix64(mix64(seed + 0x9E3779B97F4A7C15ull) ^ hash_text(purpose));
  return {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

PhiloxStream::PhiloxStream(std::uint64_t seed, std::string_view purpose, std::uint32_t id0, std::uint32_t id1, std::uint32_t id2)
    : PhiloxStream(philox_key(seed, purpose), id0, id1, id2) {}

PhiloxStream::PhiloxStream(std::array<std::uint32_t, 2> key, std::uint32_t id0, std::uint32_t id1, std::uint32_t id2)
    : key_(key), counter_{0, id0, id1, id2} {}

namespace {

// philox4x32 of counters that count up in their first word, four or eight side by side. Words stand in the lower halves of 64-bit
// lanes, where processors multiply them; upper halves hold what is left of products and are never read.
// Two sets by turns, and round keys from memory, are no faster.
using FourBlocks = std::uint64_t __attribute__((vector_size(32)));
using EightBlocks = std::uint64_t __attribute__((vector_size(64)));
template <class Lanes>
[[gnu::always_inline]] inline void blocks_of(const std::array<std::uint32_t, 4>& counter, std::uint32_t first,
                                             const std::array<std::uint32_t, 2>& key, std::uint32_t* out) {
  constexpr std::size_t kBlocks = sizeof(Lanes) / sizeof(std::uint64_t);
  constexpr std::uint64_t kLower = 0xffffffff;
  const Lanes zero{};
  Lanes c0 = zero, c1 = zero + counter[1], c2 = zero + counter[2], c3 = zero + counter[3];
  for (std::uint32_t block = 0; block < kBlocks; ++block) c0[block] = static_cast<std::uint32_t>(counter[0] + first + block);
  std::uint32_t key0 = key[0], key1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const Lanes product0 = (c0 & kLower) * std::uint64_t{kMultiplier0};
    const Lanes product1 = (c2 & kLower) * std::uint64_t{kMultiplier1};
    c0 = (product1 >> 32) ^ (c1 ^ key0);
    c2 = (product0 >> 32) ^ (c3 ^ key1);
    c1 = product1;
    c3 = product0;
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  const Lanes low = (c0 & kLower) | (c1 << 32), high = (c2 & kLower) | (c3 << 32);  // words 0 and 1, words 2 and 3
  std::uint64_t words[2 * kBlocks];
  for (std::size_t block = 0; block < kBlocks; ++block) {
    words[2 * block] = low[block];
    words[2 * block + 1] = high[block];
  }
  std::memcpy(out, words, sizeof words);
}

using Fill = void (*)(const std::array<std::uint32_t, 4>&, const std::array<std::uint32_t, 2>&, std::size_t, std::uint32_t*);

// blocks: a multiple of four. Integers: the same words from each.
void fill_plain(const std::array<std::uint32_t, 4>& counter, const std::array<std::uint32_t, 2>& key, std::size_t blocks,
                std::uint32_t* out) {
  for (std::uint32_t i = 0; i < blocks; i += 4) blocks_of<FourBlocks>(counter, i, key, out + std::size_t{4} * i);
}
__attribute__((target("avx2"))) void fill_avx2(const std::array<std::uint32_t, 4>& counter,
                                               const std::array<std::uint32_t, 2>& key, std::size_t blocks, std::uint32_t* out) {
  for (std::uint32_t i = 0; i < blocks; i += 4) blocks_of<FourBlocks>(counter, i, key, out + std::size_t{4} * i);
}
__attribute__((target("avx512f,avx512vl"))) void fill_avx512(const std::array<std::uint32_t, 4>& counter,
                                                             const std::array<std::uint32_t, 2>& key, std::size_t blocks,
                                                             std::uint32_t* out) {
  std::uint32_t i = 0;
  for (; i + 8 <= blocks; i += 8) blocks_of<EightBlocks>(counter, i, key, out + std::size_t{4} * i);
  for (; i < blocks; i += 4) blocks_of<FourBlocks>(counter, i, key, out + std::size_t{4} * i);
}

void fill_first(const std::array<std::uint32_t, 4>& counter, const std::array<std::uint32_t, 2>& key, std::size_t blocks,
                std::uint32_t* out);

// Chosen by the first call: streams may be opened before this file's own objects are.
constinit std::atomic<Fill> fill_words = fill_first;

void fill_first(const std::array<std::uint32_t, 4>& counter, const std::array<std::uint32_t, 2>& key, std::size_t blocks,
                std::uint32_t* out) {
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
  const Fill fill = avx512 ? fill_avx512 : __builtin_cpu_supports("avx2") ? fill_avx2 : fill_plain;
  fill_words.store(fill, std::memory_order_relaxed);
  fill(counter, key, blocks, out);
}

}  // namespace

void PhiloxStream::refill(std::size_t blocks) {
  fill_words.load(std::memory_order_relaxed)(counter_, key_, blocks, words_.data());
  counter_[0] += static_cast<std::uint32_t>(blocks);
  used_ = 0;
  held_ = 4 * blocks;
}

std::uint64_t PhiloxStream::next_u64_across() {
  const std::uint64_t high = next_u32();
  return (high << 32) | next_u32();
}

bool PhiloxStream::hold_u64(std::size_t wanted) {
  if (used_ == held_) refill(wanted > 2 * kFewBlocks ? kManyBlocks : kFewBlocks);
  return used_ + 2 <= held_;
}

void PhiloxStream::uniforms(std::span<double> out) {
  for (std::size_t i = 0; i < out.size();) {
    if (!hold_u64(out.size() - i)) {
      out[i++] = uniform();
      continue;
    }
    const std::size_t n = std::min(out.size() - i, (held_ - used_) / 2);
    for (std::size_t k = 0; k < n; ++k) out[i + k] = to_uniform(held_u64());
    i += n;
  }
}

namespace {

// The layer of a normal draw and where in it: the upper 53 bits as (k + 1/2) 2^-52 in (-1, 1), even about 0.
struct ZigguratPoint {
  std::size_t layer;
  double side, value;
  explicit ZigguratPoint(std::uint64_t bits)
      : layer(bits % Ziggurat::kLayers),
        side((static_cast<double>(static_cast<std::int64_t>(bits) >> 11) + 0.5) * 0x1p-52),
        value(side * kZiggurat.x[layer]) {}
  bool inside() const { return std::fabs(value) < kZiggurat.x[layer + 1]; }
};

}  // namespace

double PhiloxStream::normal() {
  const Ziggurat& z = kZiggurat;
  for (;;) {
    const ZigguratPoint point(next_u64());
    if (point.inside()) return point.value;
    if (point.layer == 0) {  // the tail: Marsaglia (1964)
      double beyond = 0, other = 0;
      do {
        beyond = -std::log(uniform()) / Ziggurat::kTail;
        other = -std::log(uniform());
      } while (2 * other < beyond * beyond);
      return std::copysign(Ziggurat::kTail + beyond, point.side);
    }
    const double height = z.height[point.layer] + uniform() * (z.height[point.layer + 1] - z.height[point.layer]);
    if (height < std::exp(-0.5 * point.value * point.value)) return point.value;
  }
}

void PhiloxStream::normals(std::span<double> out) {
  std::size_t i = 0;
  while (i < out.size()) {
    const bool held = hold_u64(out.size() - i);
    while (held && i < out.size() && used_ + 2 <= held_) {
      const ZigguratPoint point(held_u64());
      if (!point.inside()) {
        used_ -= 2;
        break;
      }
      out[i++] = point.value;
    }
    if (i < out.size() && used_ < held_) out[i++] = normal();  // a point that is not inside, or a word that is left
  }
}

std::uint32_t PhiloxStream::below(std::uint32_t n) {
  std::uint64_t product = std::uint64_t{next_u32()} * n;
  const std::uint32_t threshold = (0u - n) % n;  // words below it would favour small results
  while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{next_u32()} * n;
  return static_cast<std::uint32_t>(product >> 32);
}

}  // namespace tenfold
