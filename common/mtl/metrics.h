// Metrics of each task over a set of images, gathered image by image and merged: confusion counts, sums, a histogram of angles.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mtl/dataset.h"

namespace tenfold::mtl {

// Names by type: segmentation pixel_accuracy, miou; depth abs, rel, delta_1, delta_2, delta_3; normal mean_deg, median_deg,
// within_11_25, within_22_5, within_30; classification accuracy; regression mae, rmse; keypoint, edge mae.
struct MetricValue {
  std::string name;
  double value = 0;
  bool higher_is_better = false;
  bool defined = true;  // false: no valid pixel
};

class MetricSums {
 public:
  explicit MetricSums(const Task& task);
  MetricSums(const MetricSums& other);
  MetricSums& operator=(const MetricSums& other);
  MetricSums(MetricSums&&) noexcept;
  MetricSums& operator=(MetricSums&&) noexcept;
  ~MetricSums();

  // prediction [channels, height, width] of the task's output; brought to the label's grid as the task's resize rule says
  // (logits bilinear, align_corners false, or nearest).
  void add(std::span<const float> prediction, int channels, int height, int width, const Label& label);
  void merge(const MetricSums& other);
  std::vector<MetricValue> values() const;

 private:
  struct Sums;
  std::unique_ptr<Sums> sums_;
};

// Mean over tasks of the mean over a task's metrics of the signed relative change to `base`: negative is worse.
// Undefined metrics and those whose base is 0 are left out.
double average_metric_change(const std::vector<std::vector<MetricValue>>& now, const std::vector<std::vector<MetricValue>>& base);

// Bilinear, align_corners false, as at::upsample_bilinear2d; [channels, height, width] -> [channels, to_height, to_width].
std::vector<float> resize_bilinear(std::span<const float> values, int channels, int height, int width, int to_height,
                                   int to_width);
std::vector<float> resize_nearest(std::span<const float> values, int channels, int height, int width, int to_height,
                                  int to_width);

}  // namespace tenfold::mtl
