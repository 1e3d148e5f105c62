// Interleaved timing: both sides see the same machine in the same minute.
#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "hmc-marg/kernels.h"
#include "rows.h"
#include "stats/interval.h"

namespace tenfold::hmc_marg::bench {

std::vector<std::vector<double>> time_interleaved(std::span<const std::function<void(int calls)>> functions, int calls,
                                                  int rounds) {
  std::vector<std::vector<double>> times(functions.size());
  for (const auto& f : functions) f(calls);
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < functions.size(); ++i) {
      const double start = thread_cpu_s();
      functions[i](calls);
      times[i].push_back((thread_cpu_s() - start) / calls * 1e9);
    }
  }
  return times;
}

double median(std::vector<double> x) {
  std::ranges::sort(x);
  return 0.5 * (x[(x.size() - 1) / 2] + x[x.size() / 2]);
}

Row compare(const std::string& name, const std::function<void(int)>& ours, const std::function<void(int)>& peer,
            const std::string& peer_name, int calls, int rounds) {
  const std::function<void(int)> both[] = {ours, peer};
  const auto times = time_interleaved(both, calls, rounds);
  const stats::PairedRatio ratio = stats::compare_ratio(times[0], times[1]);
  return {.name = name,
          .unit = "ns",
          .ours = median(times[0]),
          .peer = median(times[1]),
          .peer_name = peer_name,
          .ratio = ratio.ratio,
          .low = ratio.interval.low,
          .high = ratio.interval.high,
          .limit_share = std::nullopt};
}

double vector_log_ns() {
  std::vector<double> x(512), out(512);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.01 * static_cast<double>(i + 1);
  const KernelTable& table = kernels(best_instruction_set());
  const std::function<void(int)> run[] = {[&](int calls) {
    for (int i = 0; i < calls; ++i) table.vector_log(x.data(), out.data(), x.size());
  }};
  return median(time_interleaved(run, 2000, 15)[0]) / static_cast<double>(x.size());
}

}  // namespace tenfold::hmc_marg::bench
