// Sums behind each task's metrics. Counts and float64 sums are added image by image, so merging parts gives the whole.
#include "mtl/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace tenfold::mtl {

namespace {

constexpr int kBinsPerDegree = 100;
constexpr std::array<double, 3> kAngles = {11.25, 22.5, 30};
constexpr std::array<double, 3> kRatios = {1.25, 1.25 * 1.25, 1.25 * 1.25 * 1.25};

}  // namespace

struct MetricSums::Sums {
  Task task;
  std::int64_t count = 0;               // valid pixels, elements or images
  double absolute = 0, relative = 0, squares = 0, degrees = 0;
  std::array<std::int64_t, 3> within{};  // of ratios or angles
  std::vector<std::int64_t> confusion;   // [K, K], row: the label; of segmentation
  std::int64_t hits = 0;                 // of classification
  std::vector<std::int64_t> angles;      // histogram of normals, kBinsPerDegree bins a degree

  explicit Sums(const Task& of) : task(of) {
    const auto k = static_cast<std::size_t>(task.channels);
    if (task.type == TaskType::segmentation) confusion.assign(k * k, 0);
    if (task.type == TaskType::normal) angles.assign(180 * kBinsPerDegree + 1, 0);
  }

  void add_classes(std::span<const float> prediction, const Label& label) {
    const std::size_t places = label.valid.size(), classes = static_cast<std::size_t>(task.channels);
    for (std::size_t p = 0; p < places; ++p) {
      if (label.valid[p] == 0) continue;
      std::size_t best = 0;
      for (std::size_t k = 1; k < classes; ++k)
        if (prediction[k * places + p] > prediction[best * places + p]) best = k;
      const auto truth = static_cast<std::size_t>(label.values[p]);
      ++count;
      hits += best == truth ? 1 : 0;
      if (task.type == TaskType::segmentation) ++confusion[truth * classes + best];
    }
  }

  void add_depth(std::span<const float> prediction, const Label& label) {
    for (std::size_t p = 0; p < label.valid.size(); ++p) {
      if (label.valid[p] == 0) continue;
      const double guess = prediction[p], truth = label.values[p];
      ++count;
      absolute += std::abs(guess - truth);
      relative += std::abs(guess - truth) / truth;
      for (std::size_t k = 0; k < kRatios.size(); ++k)
        within[k] += guess > 0 && std::max(guess / truth, truth / guess) < kRatios[k] ? 1 : 0;
    }
  }

  void add_normals(std::span<const float> prediction, const Label& label) {
    const std::size_t places = label.valid.size();
    for (std::size_t p = 0; p < places; ++p) {
      if (label.valid[p] == 0) continue;
      double product = 0, guess2 = 0, truth2 = 0;
      for (std::size_t c = 0; c < 3; ++c) {
        const double guess = prediction[c * places + p], truth = label.values[c * places + p];
        product += guess * truth;
        guess2 += guess * guess;
        truth2 += truth * truth;
      }
      const double cosine = product / (std::max(std::sqrt(guess2), 1e-12) * std::max(std::sqrt(truth2), 1e-12));
      const double angle = std::acos(std::clamp(cosine, -1.0, 1.0)) * 180 / std::numbers::pi;
      ++count;
      degrees += angle;
      // A prediction that is no number makes the mean none, and counts as the worst elsewhere.
      const double bin = std::isfinite(angle) ? angle * kBinsPerDegree : 180.0 * kBinsPerDegree;
      ++angles[std::min(static_cast<std::size_t>(bin), angles.size() - 1)];
      for (std::size_t k = 0; k < kAngles.size(); ++k) within[k] += angle < kAngles[k] ? 1 : 0;
    }
  }

  void add_numbers(std::span<const float> prediction, const Label& label) {
    for (std::size_t p = 0; p < label.valid.size(); ++p) {
      if (label.valid[p] == 0) continue;
      const double error = static_cast<double>(prediction[p]) - label.values[p];
      ++count;
      absolute += std::abs(error);
      squares += error * error;
    }
  }

  // Mean of the two middle angles (one, of an odd number), each taken as the middle of its bin.
  double median() const {
    double sum = 0;
    for (const std::int64_t rank : {(count - 1) / 2, count / 2}) {
      std::int64_t below = 0;
      std::size_t bin = 0;
      while (below + angles[bin] <= rank) below += angles[bin++];
      sum += (static_cast<double>(bin) + 0.5) / kBinsPerDegree;
    }
    return sum / 2;
  }

  MetricValue value(std::string name, double sum, bool higher) const {
    return {.name = std::move(name),
            .value = count > 0 ? sum / static_cast<double>(count) : 0,
            .higher_is_better = higher,
            .defined = count > 0};
  }

  // Mean intersection over union of the classes that occur in labels or predictions.
  MetricValue miou() const {
    const auto classes = static_cast<std::size_t>(task.channels);
    double sum = 0;
    int met = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      std::int64_t united = -confusion[k * classes + k];
      for (std::size_t other = 0; other < classes; ++other)
        united += confusion[k * classes + other] + confusion[other * classes + k];
      if (united == 0) continue;
      ++met;
      sum += static_cast<double>(confusion[k * classes + k]) / static_cast<double>(united);
    }
    return {.name = "miou", .value = met > 0 ? sum / met : 0, .higher_is_better = true, .defined = met > 0};
  }
};

MetricSums::MetricSums(const Task& task) : sums_(std::make_unique<Sums>(task)) {}
MetricSums::MetricSums(const MetricSums& other) : sums_(std::make_unique<Sums>(*other.sums_)) {}
MetricSums& MetricSums::operator=(const MetricSums& other) {
  if (this != &other) sums_ = std::make_unique<Sums>(*other.sums_);
  return *this;
}
MetricSums::MetricSums(MetricSums&&) noexcept = default;
MetricSums& MetricSums::operator=(MetricSums&&) noexcept = default;
MetricSums::~MetricSums() = default;

void MetricSums::add(std::span<const float> prediction, int channels, int height, int width, const Label& label) {
  Sums& s = *sums_;
  if (channels != s.task.channels)
    input_error(fmt::format("task {}: an output of {} channels where {} are due", s.task.name, channels, s.task.channels));
  std::vector<float> resized;
  if (s.task.is_map() && (height != label.height || width != label.width)) {
    const auto resize = s.task.resize == ResizeRule::pred_bilinear ? resize_bilinear : resize_nearest;
    resized = resize(prediction, channels, height, width, label.height, label.width);
    prediction = resized;
  }
  const std::size_t due =
      s.task.type == TaskType::regression ? label.valid.size() : label.valid.size() * static_cast<std::size_t>(channels);
  if (prediction.size() != due)
    input_error(fmt::format("task {}: an output of {} numbers where {} are due", s.task.name, prediction.size(), due));
  switch (s.task.type) {
    case TaskType::segmentation:
    case TaskType::classification: s.add_classes(prediction, label); break;
    case TaskType::depth: s.add_depth(prediction, label); break;
    case TaskType::normal: s.add_normals(prediction, label); break;
    case TaskType::keypoint:
    case TaskType::edge:
    case TaskType::regression: s.add_numbers(prediction, label); break;
  }
}

void MetricSums::merge(const MetricSums& other) {
  Sums& s = *sums_;
  const Sums& o = *other.sums_;
  if (s.task.name != o.task.name || s.task.type != o.task.type || s.task.channels != o.task.channels)
    machine_error("metrics of task " + o.task.name + " merged into those of " + s.task.name);
  s.count += o.count;
  s.hits += o.hits;
  s.absolute += o.absolute;
  s.relative += o.relative;
  s.squares += o.squares;
  s.degrees += o.degrees;
  for (std::size_t k = 0; k < s.within.size(); ++k) s.within[k] += o.within[k];
  for (std::size_t k = 0; k < s.confusion.size(); ++k) s.confusion[k] += o.confusion[k];
  for (std::size_t k = 0; k < s.angles.size(); ++k) s.angles[k] += o.angles[k];
}

std::vector<MetricValue> MetricSums::values() const {
  const Sums& s = *sums_;
  const auto share = [&](std::string name, std::int64_t of) { return s.value(std::move(name), static_cast<double>(of), true); };
  switch (s.task.type) {
    case TaskType::segmentation: return {share("pixel_accuracy", s.hits), s.miou()};
    case TaskType::classification: return {share("accuracy", s.hits)};
    case TaskType::depth:
      return {s.value("abs", s.absolute, false), s.value("rel", s.relative, false), share("delta_1", s.within[0]),
              share("delta_2", s.within[1]), share("delta_3", s.within[2])};
    case TaskType::normal:
      return {s.value("mean_deg", s.degrees, false),
              {.name = "median_deg", .value = s.count > 0 ? s.median() : 0, .higher_is_better = false, .defined = s.count > 0},
              share("within_11_25", s.within[0]),
              share("within_22_5", s.within[1]),
              share("within_30", s.within[2])};
    case TaskType::regression: {
      MetricValue rmse = s.value("rmse", s.squares, false);
      rmse.value = std::sqrt(rmse.value);
      return {s.value("mae", s.absolute, false), rmse};
    }
    case TaskType::keypoint:
    case TaskType::edge: break;
  }
  return {s.value("mae", s.absolute, false)};
}

double average_metric_change(const std::vector<std::vector<MetricValue>>& now,
                             const std::vector<std::vector<MetricValue>>& base) {
  double sum = 0;
  int tasks = 0;
  for (std::size_t t = 0; t < std::min(now.size(), base.size()); ++t) {
    double task_sum = 0;
    int metrics = 0;
    for (const MetricValue& b : base[t])
      for (const MetricValue& n : now[t]) {
        if (n.name != b.name || !n.defined || !b.defined || b.value == 0) continue;
        const double change = (n.value - b.value) / std::abs(b.value);
        task_sum += b.higher_is_better ? change : -change;
        ++metrics;
      }
    if (metrics == 0) continue;
    sum += task_sum / metrics;
    ++tasks;
  }
  return tasks > 0 ? sum / tasks : 0;
}

}  // namespace tenfold::mtl
