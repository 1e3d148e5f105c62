#include "mtl/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "mtl/metrics.h"

namespace tenfold::mtl {

namespace {

constexpr float kLeastDepth = 3e-5f;

std::string place(const Label& label, std::size_t index) {
  if (label.height == 0) return fmt::format("element {}", index);
  const auto width = static_cast<std::size_t>(label.width);
  return fmt::format("row {}, column {}", index / width, index % width);
}

void mark_classes(Label& label, const Task& task, const std::string& where) {
  for (std::size_t i = 0; i < label.values.size(); ++i) {
    const double v = label.values[i];
    if (task.ignore && v == *task.ignore) continue;
    if (!(v >= 0 && v < task.channels) || v != std::floor(v))
      input_error(fmt::format("{}: {} is {}, where a class from 0 to {}{} is due", where, place(label, i), v, task.channels - 1,
                              task.ignore ? fmt::format(" or {} (ignored)", *task.ignore) : ""));
    label.valid[i] = 1;
  }
}

void mark_normals(Label& label) {
  const std::size_t pixels = label.valid.size();
  for (std::size_t i = 0; i < pixels; ++i) {
    const double x = label.values[i], y = label.values[pixels + i], z = label.values[2 * pixels + i];
    const double length2 = x * x + y * y + z * z;
    label.valid[i] = std::isfinite(length2) && length2 > 0.25 ? 1 : 0;
  }
}

}  // namespace

void mark_valid(Label& label, const Task& task, const std::string& where) {
  const std::size_t places = task.type == TaskType::normal ? label.values.size() / 3 : label.values.size();
  label.valid.assign(places, 0);
  if (task.type == TaskType::segmentation || task.type == TaskType::classification) return mark_classes(label, task, where);
  if (task.type == TaskType::normal) return mark_normals(label);
  for (std::size_t i = 0; i < places; ++i) {
    const float v = label.values[i];
    const bool ignored = task.ignore && v == *task.ignore;
    label.valid[i] = std::isfinite(v) && !ignored && (task.type != TaskType::depth || v > kLeastDepth) ? 1 : 0;
  }
}

void check_range(const Image& image, const std::string& where) {
  float low = 0, high = 1;
  for (std::size_t i = 0; i < image.values.size(); ++i) {
    const float v = image.values[i];
    if (!std::isfinite(v)) {
      const std::size_t width = static_cast<std::size_t>(image.width),
                        pixel = i % (static_cast<std::size_t>(image.height) * width);
      input_error(fmt::format("{}: row {}, column {} is not finite", where, pixel / width, pixel % width));
    }
    low = std::min(low, v);
    high = std::max(high, v);
  }
  if (low < 0 || high > 1)
    input_error(fmt::format("{}: values from {} to {} where [0, 1] is due{}", where, low, high,
                            low >= 0 && high <= 255 ? "; divide them by 255" : ""));
}

void check_sizes(const Sample& sample, const std::vector<Task>& tasks) {
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    const Label& label = sample.labels[t];
    if (!tasks[t].is_map() || (label.height == sample.image.height && label.width == sample.image.width)) continue;
    input_error(fmt::format("the {} label is {}x{} and the image {}x{}", tasks[t].name, label.height, label.width,
                            sample.image.height, sample.image.width));
  }
}

void bring_to_size(Sample& sample, int height, int width) {
  Image& image = sample.image;
  if (image.height == height && image.width == width) return;
  image.values = resize_bilinear(image.values, image.channels, image.height, image.width, height, width);
  image.height = height;
  image.width = width;
  for (Label& label : sample.labels) {
    if (label.height == 0) continue;
    label.values = resize_nearest(label.values, label.channels, label.height, label.width, height, width);
    const std::vector<float> valid(label.valid.begin(), label.valid.end());
    const std::vector<float> chosen = resize_nearest(valid, 1, label.height, label.width, height, width);
    label.valid.assign(chosen.begin(), chosen.end());
    label.height = height;
    label.width = width;
  }
}

}  // namespace tenfold::mtl
