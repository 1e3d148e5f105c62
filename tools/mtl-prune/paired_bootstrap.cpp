#include "mtl-prune/paired_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "base/philox.h"
#include "stats/quantile.h"

namespace tenfold::mtl_prune {
namespace {

constexpr int kDraws = 2000;

// (mean a - mean b) / mean b over the drawn seeds and images.
double relative(const LossPairs& pairs, const std::vector<std::size_t>& seeds, const std::vector<std::size_t>& images) {
  double a = 0, b = 0;
  for (const std::size_t s : seeds) {
    for (const std::size_t i : images) {
      const double x = pairs.a[s][i], y = pairs.b[s][i];
      if (std::isnan(x) || std::isnan(y)) continue;
      a += x;
      b += y;
    }
  }
  return b > 0 ? (a - b) / b : 0;
}

std::vector<double> all_tasks(const std::vector<LossPairs>& tasks, const std::vector<std::size_t>& seeds,
                              const std::vector<std::size_t>& images) {
  std::vector<double> out;
  for (const LossPairs& task : tasks) out.push_back(relative(task, seeds, images));
  out.push_back(std::accumulate(out.begin(), out.end(), 0.0) / static_cast<double>(tasks.size()));
  return out;
}

std::vector<std::size_t> drawn(std::size_t n, PhiloxStream& random) {
  std::vector<std::size_t> out(n);
  for (std::size_t& index : out) index = random.below(static_cast<std::uint32_t>(n));
  return out;
}

}  // namespace

std::vector<RelativeDifference> compare_losses(const std::vector<LossPairs>& tasks, std::uint64_t seed) {
  std::vector<std::size_t> seeds(tasks.at(0).a.size()), images(tasks[0].a.at(0).size());
  std::iota(seeds.begin(), seeds.end(), std::size_t{0});
  std::iota(images.begin(), images.end(), std::size_t{0});
  const std::vector<double> observed = all_tasks(tasks, seeds, images);
  std::vector<std::vector<double>> draws(observed.size());
  PhiloxStream random(seed, "mtl-prune paired bootstrap");
  for (int d = 0; d < kDraws; ++d) {
    const std::vector<std::size_t> some_seeds = drawn(seeds.size(), random), some_images = drawn(images.size(), random);
    const std::vector<double> values = all_tasks(tasks, some_seeds, some_images);
    for (std::size_t i = 0; i < values.size(); ++i) draws[i].push_back(values[i]);
  }
  std::vector<RelativeDifference> out;
  for (std::size_t i = 0; i < observed.size(); ++i)
    out.push_back({.difference = observed[i],
                   .low = stats::quantile_of(draws[i], 0.025),
                   .high = stats::quantile_of(draws[i], 0.975),
                   .seeds = seeds.size(),
                   .images = images.size()});
  return out;
}

std::string verdict(const RelativeDifference& d, const std::string& a, const std::string& b) {
  const std::string sample = fmt::format("{} seeds, {} images", d.seeds, d.images);
  if (!d.shown())
    return fmt::format("no difference shown between {} and {} ({:+.1f} %, 95 % interval {:+.1f} to {:+.1f} %, {})", a, b,
                       100 * d.difference, 100 * d.low, 100 * d.high, sample);
  const bool lower = d.difference < 0;
  const double low = lower ? -d.high : d.low, high = lower ? -d.low : d.high;
  return fmt::format("{} have a loss {} by {:.1f} % than {} (95 % interval {:.1f} to {:.1f} %, {})", a,
                     lower ? "lower" : "higher", 100 * std::abs(d.difference), b, 100 * low, 100 * high, sample);
}

}  // namespace tenfold::mtl_prune
