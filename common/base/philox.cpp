// Philox4x32-10.
#include "base/philox.h"

#include <cmath>
#include <numbers>

namespace tenfold {

namespace {

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
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
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

void PhiloxStream::refill() {
  words_ = philox4x32(counter_, key_);
  ++counter_[0];
  used_ = 0;
}

double PhiloxStream::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2.0 * std::log(uniform()));
  const double angle = 2.0 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

std::uint32_t PhiloxStream::below(std::uint32_t n) {
  std::uint64_t product = std::uint64_t{next_u32()} * n;
  const std::uint32_t threshold = (0u - n) % n;  // words below it would favour small results
  while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{next_u32()} * n;
  return static_cast<std::uint32_t>(product >> 32);
}

}  // namespace tenfold
