#include "mtl-prune/speed.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/philox.h"
#include "stats/quantile.h"

namespace tenfold::mtl_prune {

SpeedRatio compare_speed(std::span<const double> a, std::span<const double> b, std::uint64_t seed) {
  SpeedRatio result;
  result.ratio = stats::median(a) / stats::median(b);
  PhiloxStream random(seed, "latency bootstrap");
  const std::size_t n = std::min(a.size(), b.size());
  std::vector<double> ratios, drawn_a(n), drawn_b(n);
  for (int draw = 0; draw < 2000; ++draw) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(random.uniform() * static_cast<double>(n));
      drawn_a[i] = a[at];
      drawn_b[i] = b[at];
    }
    ratios.push_back(stats::median(drawn_a) / stats::median(drawn_b));
  }
  std::ranges::sort(ratios);
  result.interval = {stats::quantile(ratios, 0.025), stats::quantile(ratios, 0.975)};
  result.shown = !result.interval.contains(1);
  return result;
}

std::string verdict(const SpeedRatio& ratio) {
  if (!ratio.shown) return "no difference shown";
  return ratio.ratio > 1 ? fmt::format("{:.3g} times faster", ratio.ratio) : fmt::format("{:.3g} times slower", 1 / ratio.ratio);
}

Json to_json(const Timings& timings) {
  return {{"min_s", *std::ranges::min_element(timings.wall_s)},
          {"median_s", stats::median(timings.wall_s)},
          {"cpu_s", timings.cpu_s},
          {"n", timings.wall_s.size()}};
}

}  // namespace tenfold::mtl_prune
