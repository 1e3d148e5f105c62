// Philox4x32-10, the counter-based random numbers of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
// 1, 2, 3" (SC 2011). A draw depends on the seed, the purpose and the ids of what it is drawn for, on nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tenfold {

// Ten rounds of the bijection of the 128-bit counter under the 64-bit key (section 4.3, table 2 of the paper).
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// The key of (seed, purpose): for one purpose different seeds give different keys, and the other way round with
// probability 1 - 2^-64.
std::array<std::uint32_t, 2> philox_key(std::uint64_t seed, std::string_view purpose);

// A stream of 2^34 words, key from (seed, purpose), counter (block, id0, id1, id2). Streams of different ids never meet.
// Copying a stream copies its place.
class PhiloxStream {
 public:
  PhiloxStream(std::uint64_t seed, std::string_view purpose, std::uint32_t id0 = 0, std::uint32_t id1 = 0, std::uint32_t id2 = 0);
  // The same with a key made before by philox_key: no hashing when many streams are opened.
  explicit PhiloxStream(std::array<std::uint32_t, 2> key, std::uint32_t id0 = 0, std::uint32_t id1 = 0, std::uint32_t id2 = 0);

  std::uint32_t next_u32() {
    if (used_ == held_) refill(kFewBlocks);
    return words_[used_++];
  }
  std::uint64_t next_u64() {
    if (used_ + 2 > held_) return next_u64_across();
    return held_u64();
  }

  // In the open interval (0, 1): (k + 1/2) 2^-52 for a 52-bit k, so neither end can come out. Takes two words.
  double uniform() { return to_uniform(next_u64()); }
  // The same as out.size() calls of uniform().
  void uniforms(std::span<double> out);

  // Standard normal by the ziggurat of ziggurat.h. Takes two words, now and then more.
  double normal();
  // The same as out.size() calls of normal().
  void normals(std::span<double> out);

  // An integer in [0, n), without bias (Lemire 2019, "Fast random integer generation in an interval"); n > 0.
  std::uint32_t below(std::uint32_t n);

 private:
  static constexpr std::size_t kFewBlocks = 8, kManyBlocks = 16;  // at a time: eight cost little more than one
  static double to_uniform(std::uint64_t bits) { return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52; }
  std::uint64_t held_u64() {
    const std::uint64_t high = words_[used_], low = words_[used_ + 1];
    used_ += 2;
    return (high << 32) | low;
  }
  void refill(std::size_t blocks);  // held words are used up
  std::uint64_t next_u64_across();  // where the buffer ends after one word or none
  bool hold_u64(std::size_t wanted);  // false: one word is left

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4 * kManyBlocks> words_{};
  std::size_t used_ = 0, held_ = 0;
};

}  // namespace tenfold
