// Metrics: hand-made cases, MTAN's formulas (tests/parity/mtl/metrics.py), merging, absence.
#include "mtl/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "mtl/labels.h"

using namespace tenfold;
using namespace tenfold::mtl;

namespace {

Task task_of(TaskType type, int channels) {
  Task task;
  task.name = "t";
  task.type = type;
  task.channels = channels;
  if (type == TaskType::segmentation || type == TaskType::classification) task.ignore = -1;
  return task;
}

Label map_of(const Task& task, int height, int width, std::vector<float> values) {
  Label label{.channels = task.type == TaskType::normal ? 3 : 1,
              .height = height,
              .width = width,
              .values = std::move(values),
              .valid = {}};
  mark_valid(label, task, "label");
  return label;
}

Label numbers_of(const Task& task, std::vector<float> values) {
  Label label{.channels = static_cast<int>(values.size()), .values = std::move(values), .valid = {}};
  mark_valid(label, task, "label");
  return label;
}

double value(const std::vector<MetricValue>& values, const std::string& name) {
  for (const MetricValue& one : values)
    if (one.name == name) {
      CHECK(one.defined);
      return one.value;
    }
  FAIL(name);
  return 0;
}

// The numbers of tests/parity/mtl/metrics.py.
double u(std::uint32_t stream, std::size_t i) {
  auto h = static_cast<std::uint32_t>(i) + 1000003u * stream;
  h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
  h = (h ^ (h >> 13)) * 0xC2B2AE35u;
  h ^= h >> 16;
  return static_cast<double>(h) / 4294967296.0;
}

constexpr std::size_t kImages = 3, kClasses = 5, kHeight = 14, kWidth = 18, kPlane = kHeight * kWidth;

// Three images of prediction and label, by functions of the index in the whole batch.
template <class Prediction, class Truth>
std::vector<MetricValue> measured(const Task& task, std::size_t channels, std::size_t label_channels, Prediction prediction,
                                  Truth truth) {
  MetricSums sums(task);
  for (std::size_t n = 0; n < kImages; ++n) {
    std::vector<float> guess(channels * kPlane), label(label_channels * kPlane);
    for (std::size_t i = 0; i < guess.size(); ++i) guess[i] = prediction(n * guess.size() + i);
    for (std::size_t i = 0; i < label.size(); ++i) label[i] = truth(n * label.size() + i);
    sums.add(guess, static_cast<int>(channels), kHeight, kWidth, map_of(task, kHeight, kWidth, label));
  }
  return sums.values();
}

const nlohmann::json& golden() {
  static const auto value = nlohmann::json::parse(std::ifstream(TENFOLD_SOURCE_DIR "/tests/parity/mtl/metrics.json"));
  return value;
}

void compare(const std::vector<MetricValue>& values, const nlohmann::json& expected) {
  CHECK(values.size() == expected.size());
  for (const auto& [name, peer] : expected.items()) {
    CAPTURE(name);
    CHECK(std::abs(value(values, name) - peer.get<double>()) < (name == "median_deg" ? 0.01 : 1e-6));
  }
}

}  // namespace

TEST_CASE("metrics agree with MTAN's formulas") {
  compare(measured(
              task_of(TaskType::segmentation, kClasses), kClasses, 1, [](std::size_t i) { return static_cast<float>(u(1, i)); },
              [](std::size_t i) { return static_cast<float>(std::floor(u(2, i) * (kClasses + 1)) - 1); }),
          golden()["seg"]);
  compare(measured(
              task_of(TaskType::depth, 1), 1, 1, [](std::size_t i) { return static_cast<float>(7 * u(5, i) - 0.3); },
              [](std::size_t i) { return u(4, i) < 0.2 ? 0 : static_cast<float>(0.5 + 6 * u(3, i)); }),
          golden()["depth"]);
  const auto normal = [](std::size_t i) {
    const std::size_t image = i / (3 * kPlane), pixel = i % kPlane;
    if (u(7, image * kPlane + pixel) < 0.1) return 0.0f;
    double length2 = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double raw = 2 * u(6, image * 3 * kPlane + c * kPlane + pixel) - 1;
      length2 += raw * raw;
    }
    return static_cast<float>((2 * u(6, i) - 1) / std::sqrt(length2));
  };
  compare(measured(
              task_of(TaskType::normal, 3), 3, 3,
              [&](std::size_t i) { return static_cast<float>(normal(i) + 0.8 * (2 * u(8, i) - 1)); }, normal),
          golden()["normal"]);
}

TEST_CASE("resizing agrees with torch's interpolate") {
  std::vector<float> logits(kClasses * kPlane);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(u(1, i));
  for (const auto& [size, expected] : golden()["resized"].items()) {
    CAPTURE(size);
    const int height = std::stoi(size), width = std::stoi(size.substr(size.find('x') + 1));
    const std::vector<float> bilinear = resize_bilinear(logits, kClasses, kHeight, kWidth, height, width);
    const std::vector<float> nearest = resize_nearest(logits, kClasses, kHeight, kWidth, height, width);
    REQUIRE(bilinear.size() == kClasses * static_cast<std::size_t>(height * width));
    for (std::size_t i = 0; 7 * i < bilinear.size(); ++i) {
      CHECK(std::abs(bilinear[7 * i] - expected["bilinear"][i].get<float>()) < 1e-6);
      CHECK(nearest[7 * i] == expected["nearest"][i].get<float>());
    }
  }
}

TEST_CASE("segmentation by hand: ignored pixels and classes that nowhere occur do not count") {
  const Task task = task_of(TaskType::segmentation, 4);
  MetricSums sums(task);
  // Labels 0 0 1 2 -1, predictions 0 1 1 1 2: hits 2 of 4; unions: 0: 1/2, 1: 1/3, 2: 0/1; class 3 has none.
  std::vector<float> logits(4 * 5, 0);
  const std::vector<std::size_t> predicted = {0, 1, 1, 1, 2};
  for (std::size_t p = 0; p < 5; ++p) logits[predicted[p] * 5 + p] = 1;
  sums.add(logits, 4, 1, 5, map_of(task, 1, 5, {0, 0, 1, 2, -1}));
  CHECK(value(sums.values(), "pixel_accuracy") == 0.5);
  CHECK(value(sums.values(), "miou") == doctest::Approx((1.0 / 2 + 1.0 / 3 + 0) / 3));
}

TEST_CASE("depth by hand: a ratio on the bound does not count, nor does a negative prediction") {
  const Task task = task_of(TaskType::depth, 1);
  MetricSums sums(task);
  sums.add(std::vector<float>{1.25f, 1.2f, -1, 9}, 1, 1, 4, map_of(task, 1, 4, {1, 1, 1, 0}));
  CHECK(value(sums.values(), "delta_1") == doctest::Approx(1.0 / 3));
  CHECK(value(sums.values(), "delta_2") == doctest::Approx(2.0 / 3));
  CHECK(value(sums.values(), "abs") == doctest::Approx((0.25 + 0.2 + 2) / 3));
}

TEST_CASE("normals by hand: lengths of predictions do not matter") {
  const Task task = task_of(TaskType::normal, 3);
  MetricSums sums(task);
  // Right angle; the same direction, five times as long; opposite; none.
  const std::vector<float> guess = {0, 0, 0, 1, 3, 0, 0, 0, 0, 5, -2, 0};
  sums.add(guess, 3, 1, 4, map_of(task, 1, 4, {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0}));
  CHECK(value(sums.values(), "mean_deg") == doctest::Approx((90 + 0 + 180) / 3.0));
  CHECK(std::abs(value(sums.values(), "median_deg") - 90) < 0.01);
  CHECK(value(sums.values(), "within_30") == doctest::Approx(1.0 / 3));
}

TEST_CASE("classification, regression and edges by hand") {
  const Task digit = task_of(TaskType::classification, 3);
  MetricSums hits(digit);
  hits.add(std::vector<float>{0, 2, 1}, 3, 1, 1, numbers_of(digit, {1}));
  hits.add(std::vector<float>{5, 2, 1}, 3, 1, 1, numbers_of(digit, {1}));
  hits.add(std::vector<float>{5, 2, 1}, 3, 1, 1, numbers_of(digit, {-1}));
  CHECK(value(hits.values(), "accuracy") == 0.5);
  const Task pose = task_of(TaskType::regression, 2);
  MetricSums errors(pose);
  errors.add(std::vector<float>{1, 5}, 2, 1, 1, numbers_of(pose, {4, 1}));
  CHECK(value(errors.values(), "mae") == doctest::Approx(3.5));
  CHECK(value(errors.values(), "rmse") == doctest::Approx(std::sqrt(12.5)));
  const Task edge = task_of(TaskType::edge, 1);
  MetricSums edges(edge);
  edges.add(std::vector<float>{0.5f, 0}, 1, 1, 2, map_of(edge, 1, 2, {0, 0}));
  CHECK(value(edges.values(), "mae") == 0.25);
}

TEST_CASE("parts merged are the whole, and without a valid pixel nothing is defined") {
  const Task task = task_of(TaskType::depth, 1);
  MetricSums first(task), second(task), whole(task);
  for (const MetricValue& one : whole.values()) CHECK_FALSE(one.defined);
  const std::vector<float> a = {1, 2, 3, 4}, b = {2, 2, 1, 7};
  first.add(a, 1, 2, 2, map_of(task, 2, 2, {2, 2, 2, 2}));
  second.add(b, 1, 2, 2, map_of(task, 2, 2, {1, 2, 3, 4}));
  whole.add(a, 1, 2, 2, map_of(task, 2, 2, {2, 2, 2, 2}));
  whole.add(b, 1, 2, 2, map_of(task, 2, 2, {1, 2, 3, 4}));
  first.merge(second);
  for (std::size_t k = 0; k < first.values().size(); ++k) CHECK(first.values()[k].value == whole.values()[k].value);
  MetricSums none(task);
  none.add(a, 1, 2, 2, map_of(task, 2, 2, {0, 0, 1e-5f, std::nanf("")}));
  for (const MetricValue& one : none.values()) CHECK_FALSE(one.defined);
}

TEST_CASE("predictions of another size are brought to the labels' grid by the task's rule") {
  Task task = task_of(TaskType::depth, 1);
  const Label label = map_of(task, 1, 4, {1, 1, 1, 1});
  MetricSums bilinear(task);
  bilinear.add(std::vector<float>{1, 3}, 1, 1, 2, label);  // 1 1.5 2.5 3
  CHECK(value(bilinear.values(), "abs") == doctest::Approx((0 + 0.5 + 1.5 + 2) / 4));
  task.resize = ResizeRule::label_nearest;
  MetricSums nearest(task);
  nearest.add(std::vector<float>{1, 3}, 1, 1, 2, label);  // 1 1 3 3
  CHECK(value(nearest.values(), "abs") == doctest::Approx(1));
  CHECK_THROWS_AS(nearest.add(std::vector<float>{1, 3, 1, 3}, 2, 1, 2, label), Error);
}

TEST_CASE("average_metric_change: signed so that worse is negative, a task counts once") {
  const std::vector<std::vector<MetricValue>> base = {{{"miou", 0.5, true, true}, {"pixel_accuracy", 0.8, true, true}},
                                                      {{"abs", 2, false, true}, {"rel", 0, false, true}}};
  std::vector<std::vector<MetricValue>> now = base;
  CHECK(average_metric_change(now, base) == 0);
  now[0][0].value = 0.4;  // -20 %, the other 0: the task -10 %
  now[1][0].value = 1.0;  // an error halved: +50 %; rel has no base
  CHECK(average_metric_change(now, base) == doctest::Approx((-0.1 + 0.5) / 2));
  now[1][0].defined = false;
  CHECK(average_metric_change(now, base) == doctest::Approx(-0.1));
}

TEST_CASE("labels' validity") {
  Task depth = task_of(TaskType::depth, 1);
  CHECK(map_of(depth, 1, 5, {3e-5f, 4e-5f, INFINITY, -1, 2}).valid == std::vector<std::uint8_t>{0, 1, 0, 0, 1});
  CHECK(map_of(task_of(TaskType::normal, 3), 1, 3, {0.5f, 0.6f, NAN, 0, 0, 0, 0, 0, 1}).valid ==
        std::vector<std::uint8_t>{0, 1, 0});
  Task edge = task_of(TaskType::edge, 1);
  CHECK(map_of(edge, 1, 3, {0, -1, NAN}).valid == std::vector<std::uint8_t>{1, 1, 0});
  edge.ignore = -1;
  CHECK(map_of(edge, 1, 3, {0, -1, NAN}).valid == std::vector<std::uint8_t>{1, 0, 0});
  Task seg = task_of(TaskType::segmentation, 3);
  CHECK(map_of(seg, 1, 3, {0, -1, 2}).valid == std::vector<std::uint8_t>{1, 0, 1});
  CHECK_THROWS_AS(map_of(seg, 1, 1, {3}), Error);
  CHECK_THROWS_AS(map_of(seg, 1, 1, {-2}), Error);
  CHECK_THROWS_AS(map_of(seg, 1, 1, {0.5f}), Error);
  CHECK_THROWS_AS(map_of(seg, 1, 1, {NAN}), Error);
  seg.ignore = 255;
  CHECK_THROWS_AS(map_of(seg, 1, 1, {-1}), Error);
  CHECK_FALSE(map_of(seg, 1, 1, {255}).any_valid());
}
