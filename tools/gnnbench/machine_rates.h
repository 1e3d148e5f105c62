// What this machine's memory gives: the limits that kernels are measured against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/threads.h"

namespace tenfold::gnnbench {

// Wall seconds of `repeats` calls after one that is not counted: the least, and the median. On a machine with other work the
// least is nearest to what the code needs.
struct Timing {
  double least_s = 0, median_s = 0;
  int repeats = 0;
};
Timing time_calls(int repeats, const std::function<void()>& call);

// STREAM's read: all threads sum `bytes` of memory, each its own stretch. Bytes a second, of the fastest of `repeats`.
double stream_read_bytes_per_s(ThreadPool& pool, std::int64_t bytes, int repeats);

// One thread reads 8 bytes at independent random places of a table: cache lines a second.
double random_lines_per_s(std::int64_t table_bytes, int repeats);

// Floats that begin on a cache line, as LibTorch's tensors and mapped features do.
class AlignedFloats {
 public:
  explicit AlignedFloats(std::size_t count, float value = 0) : storage_(count + 15, value) {
    const std::size_t past = reinterpret_cast<std::uintptr_t>(storage_.data()) / sizeof(float) % 16;
    values_ = std::span(storage_).subspan(past == 0 ? 0 : 16 - past, count);
  }
  AlignedFloats(const AlignedFloats&) = delete;
  AlignedFloats& operator=(const AlignedFloats&) = delete;
  std::span<float> values() const { return values_; }

 private:
  std::vector<float> storage_;
  std::span<float> values_;
};

}  // namespace tenfold::gnnbench
