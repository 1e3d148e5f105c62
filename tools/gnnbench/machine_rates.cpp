// What this machine's memory gives.
#include "gnnbench/machine_rates.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "base/clock.h"
#include "base/philox.h"

namespace tenfold::gnnbench {

namespace {

// Keeps results alive that nobody reads.
std::atomic<std::uint64_t> sink{0};

// Eight sums of eight words: enough loads under way that the sum itself costs nothing.
std::uint64_t sum(const std::uint64_t* x, std::int64_t count) {
  std::uint64_t lane[64] = {};
  for (std::int64_t i = 0; i + 64 <= count; i += 64)
    for (int j = 0; j < 64; ++j) lane[j] += x[i + j];
  std::uint64_t total = 0;
  for (const std::uint64_t l : lane) total += l;
  return total;
}

}  // namespace

Timing time_calls(int repeats, const std::function<void()>& call) {
  call();
  std::vector<double> seconds;
  for (int i = 0; i < repeats; ++i) {
    const double start = wall_s();
    call();
    seconds.push_back(wall_s() - start);
  }
  std::sort(seconds.begin(), seconds.end());
  const std::size_t n = seconds.size();
  return {.least_s = seconds[0], .median_s = 0.5 * (seconds[(n - 1) / 2] + seconds[n / 2]), .repeats = repeats};
}

double stream_read_bytes_per_s(ThreadPool& pool, std::int64_t bytes, int repeats) {
  const std::vector<std::uint64_t> memory(static_cast<std::size_t>(bytes / 8), 1);
  const auto words = static_cast<std::int64_t>(memory.size());
  const int threads = pool.size();
  const Timing timing = time_calls(repeats, [&] {
    pool.for_each(threads, [&](int i) {
      const std::int64_t begin = words * i / threads, end = words * (i + 1) / threads;
      sink += sum(memory.data() + begin, end - begin);
    });
  });
  return static_cast<double>(words) * 8 / timing.least_s;
}

double random_lines_per_s(std::int64_t table_bytes, int repeats) {
  constexpr std::size_t kReads = 1 << 20;
  const std::vector<std::uint64_t> table(static_cast<std::size_t>(std::max<std::int64_t>(table_bytes / 8, 1)), 1);
  PhiloxStream random(1, "places of a table");
  std::vector<std::uint32_t> place(kReads);
  for (auto& p : place) p = random.below(static_cast<std::uint32_t>(table.size()));
  const Timing timing = time_calls(repeats, [&] {
    std::uint64_t total = 0;
    for (const std::uint32_t p : place) total += table[p];
    sink += total;
  });
  return kReads / timing.least_s;
}

}  // namespace tenfold::gnnbench
