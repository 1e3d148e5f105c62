// What this machine's memory gives: the limits that kernels are measured against.
#pragma once

#include <cstdint>
#include <functional>

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

}  // namespace tenfold::gnnbench
