// Philox4x32-10.
#include "base/philox.h"

#include <cmath>

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

// Blocks counter_[0], counter_[0] + 1, ... side by side: philox4x32 of each. The words stand in the lower halves of 64-bit lanes,
// where processors multiply them; upper halves hold what is left of products and are never read.
void PhiloxStream::refill() {
  using Lanes = std::uint64_t __attribute__((vector_size(8 * kBlocks)));
  constexpr std::uint64_t kLower = 0xffffffff;
  const Lanes zero{};
  Lanes c0 = zero, c1 = zero + counter_[1], c2 = zero + counter_[2], c3 = zero + counter_[3];
  for (std::uint32_t block = 0; block < kBlocks; ++block) c0[block] = counter_[0] + block;
  std::uint32_t key0 = key_[0], key1 = key_[1];
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
  for (std::size_t block = 0; block < kBlocks; ++block) {
    words_[4 * block] = static_cast<std::uint32_t>(c0[block]);
    words_[4 * block + 1] = static_cast<std::uint32_t>(c1[block]);
    words_[4 * block + 2] = static_cast<std::uint32_t>(c2[block]);
    words_[4 * block + 3] = static_cast<std::uint32_t>(c3[block]);
  }
  counter_[0] += kBlocks;
  used_ = 0;
}

std::uint64_t PhiloxStream::next_u64_across() {
  const std::uint64_t high = next_u32();
  return (high << 32) | next_u32();
}

double PhiloxStream::normal() {
  const Ziggurat& z = kZiggurat;
  for (;;) {
    const std::uint64_t bits = next_u64();
    const std::size_t layer = bits % Ziggurat::kLayers;
    // The upper 53 bits: (k + 1/2) 2^-52 in (-1, 1), even about 0.
    const double side = (static_cast<double>(static_cast<std::int64_t>(bits) >> 11) + 0.5) * 0x1p-52;
    const double value = side * z.x[layer];
    if (std::fabs(value) < z.x[layer + 1]) return value;
    if (layer == 0) {  // the tail: Marsaglia (1964)
      double beyond = 0, other = 0;
      do {
        beyond = -std::log(uniform()) / Ziggurat::kTail;
        other = -std::log(uniform());
      } while (2 * other < beyond * beyond);
      return std::copysign(Ziggurat::kTail + beyond, side);
    }
    const double height = z.height[layer] + uniform() * (z.height[layer + 1] - z.height[layer]);
    if (height < std::exp(-0.5 * value * value)) return value;
  }
}

void PhiloxStream::normals(std::span<double> out) {
  for (double& x : out) x = normal();
}

std::uint32_t PhiloxStream::below(std::uint32_t n) {
  std::uint64_t product = std::uint64_t{next_u32()} * n;
  const std::uint32_t threshold = (0u - n) % n;  // words below it would favour small results
  while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{next_u32()} * n;
  return static_cast<std::uint32_t>(product >> 32);
}

}  // namespace tenfold
