#include "mtl-prune/torch/timing.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "mtl-prune/torch/certificate.h"
#include "mtl/torch/executor.h"
#include "stats/quantile.h"

namespace tenfold::mtl_prune {
namespace {

constexpr int kWarmUp = 3;

// Threads while measuring; one again after it, as training wants it.
struct Threads {
  explicit Threads(int threads) { at::set_num_threads(threads); }
  ~Threads() { at::set_num_threads(1); }
};

}  // namespace

std::vector<Timings> time_interleaved(const std::vector<Forward>& forwards, int runs, int threads, cli::Run& run) {
  const Threads set(threads);
  for (const Forward& forward : forwards)
    for (int i = 0; i < kWarmUp; ++i) forward();
  std::vector<Timings> timings(forwards.size());
  for (int i = 0; i < runs; ++i) {
    for (std::size_t m = 0; m < forwards.size(); ++m) {
      const double wall = wall_s(), cpu = process_cpu_s();
      forwards[m]();
      timings[m].wall_s.push_back(wall_s() - wall);
      timings[m].cpu_s += (process_cpu_s() - cpu) / runs;
    }
    run.step({.what = "measuring", .done = i + 1.0, .total = static_cast<double>(runs), .unit = "round", .note = ""});
    if (run.stop()) run.interrupted();
  }
  return timings;
}

Forward forward_of(const mtl::Model& model, std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width) {
  auto executor = std::make_shared<mtl::Executor>(model);
  executor->require_grad(false);
  const at::Tensor images = noise_images(batch, channels, height, width, 1);
  return [executor, images] {
    const c10::InferenceMode no_grad;
    executor->run(images);
  };
}

std::vector<NodeTime> time_nodes(const mtl::Model& model, std::int64_t batch, std::int64_t channels, std::int64_t height,
                                 std::int64_t width, int runs, int threads) {
  const Threads set(threads);
  const c10::InferenceMode no_grad;
  mtl::Executor executor(model);
  const at::Tensor images = noise_images(batch, channels, height, width, 1);
  std::vector<std::vector<double>> seconds(model.graph.nodes.size());
  double last = 0;
  bool warm = false;
  mtl::RunHooks hooks;
  hooks.tap = [&](int node, const at::Tensor&) {
    const double now = wall_s();
    if (warm) seconds[static_cast<std::size_t>(node)].push_back(now - last);
    last = wall_s();
  };
  for (int i = -kWarmUp; i < runs; ++i) {
    warm = i >= 0;
    last = wall_s();
    executor.run(images, hooks);
  }
  std::vector<NodeTime> times;
  for (std::size_t n = 1; n < seconds.size(); ++n)
    times.push_back({model.graph.nodes[n].id, std::string(mtl::name_of(model.graph.nodes[n].op)),
                     seconds[n].empty() ? 0 : stats::median(seconds[n])});
  return times;
}

Json before_after(const mtl::Model& before, const mtl::Model& after, std::int64_t batch, std::int64_t channels,
                  std::int64_t height, std::int64_t width, int runs, cli::Run& run) {
  const std::vector<Timings> timings =
      time_interleaved({forward_of(before, batch, channels, height, width), forward_of(after, batch, channels, height, width)},
                       runs, run.threads(), run);
  const SpeedRatio ratio = compare_speed(timings[0].wall_s, timings[1].wall_s, run.seed());
  return {{"before_s", stats::median(timings[0].wall_s)},
          {"after_s", stats::median(timings[1].wall_s)},
          {"ratio", ratio.ratio},
          {"ratio_ci", {ratio.interval.low, ratio.interval.high}},
          {"threads", run.threads()},
          {"batch", batch},
          {"n", runs},
          {"verdict", verdict(ratio)}};
}

}  // namespace tenfold::mtl_prune
