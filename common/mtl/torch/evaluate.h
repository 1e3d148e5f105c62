// Losses and metrics of a network over a data set.
#pragma once

#include <cstdint>
#include <vector>

#include "mtl/dataset.h"
#include "mtl/metrics.h"
#include "mtl/torch/network.h"

namespace tenfold::mtl {

struct Evaluation {
  std::vector<double> loss;  // by task: mean over the images that have one; NaN where none
  std::vector<std::vector<MetricValue>> metrics;  // by task
  std::vector<std::int64_t> absent;               // by task: images without a valid label
  std::size_t images = 0;                         // that could be used
  std::vector<Fault> faults;
};

// Of at most `limit` images (0: all), eval mode, in batches of 8; the numbers do not depend on `threads`.
Evaluation evaluate(const Network& network, const DataSet& data, std::size_t limit, int threads);

}  // namespace tenfold::mtl
