// Latency: models run in turn in one process, each after a warm-up of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/run.h"
#include "data/json.h"
#include "mtl-prune/speed.h"
#include "mtl/model.h"

namespace tenfold::mtl_prune {

using Forward = std::function<void()>;

// `runs` of each, A B A B ...; with at::set_num_threads(threads) meanwhile and one thread after it.
std::vector<Timings> time_interleaved(const std::vector<Forward>& forwards, int runs, int threads, cli::Run& run);

// A graph on noise of this size.
Forward forward_of(const mtl::Model& model, std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width);

// Seconds of each node: the median over `runs`, one thread of measurement.
struct NodeTime {
  std::string node, op;
  double median_s = 0;
};
std::vector<NodeTime> time_nodes(const mtl::Model& model, std::int64_t batch, std::int64_t channels, std::int64_t height,
                                 std::int64_t width, int runs, int threads);

// prune's "latency": {before_s, after_s, ratio, ratio_ci, threads, batch, n, verdict}; medians.
Json before_after(const mtl::Model& before, const mtl::Model& after, std::int64_t batch, std::int64_t channels,
                  std::int64_t height, std::int64_t width, int runs, cli::Run& run);

}  // namespace tenfold::mtl_prune
