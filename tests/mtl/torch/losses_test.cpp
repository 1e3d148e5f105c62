// Losses by hand: one number per image, absent where nothing is valid.
#include "doctest_torch.h"

#include <cmath>

#include "base/error.h"
#include "mtl/torch/losses.h"

namespace tenfold::mtl {
namespace {

using at::Tensor;

Task task_of(TaskType type, LossType loss, int channels) {
  Task task;
  task.name = "t";
  task.type = type;
  task.loss = loss;
  task.channels = channels;
  return task;
}

Sample sample_of(Label label) {
  Sample sample;
  sample.id = "s";
  sample.labels.push_back(std::move(label));
  return sample;
}

// One-row maps [channels, 1, width].
Sample map_sample(int channels, std::vector<float> values, std::vector<std::uint8_t> valid) {
  const int width = static_cast<int>(valid.size());
  return sample_of({channels, 1, width, std::move(values), std::move(valid)});
}

PerImage loss_of(const Tensor& prediction, const std::vector<Sample>& samples, const Task& task) {
  std::vector<const Sample*> pointers;
  for (const Sample& sample : samples) pointers.push_back(&sample);
  return per_image_loss(prediction, batch_labels(pointers, 0, task), task);
}

double value(const PerImage& losses, std::int64_t image) { return losses.loss[image].item<double>(); }

TEST_CASE("cross entropy: mean over valid pixels, weighted by class, in each image") {
  Task task = task_of(TaskType::segmentation, LossType::ce, 2);
  // Logits (0, ln 3): probabilities 1/4, 3/4. Pixels of class 0, 1, and one that is not valid.
  const Tensor logits = at::tensor({0., 0., 0., std::log(3), std::log(3), std::log(3)}, at::kDouble).view({1, 2, 1, 3});
  const std::vector<Sample> samples = {map_sample(1, {0, 1, -1}, {1, 1, 0})};
  CHECK(value(loss_of(logits, samples, task), 0) == doctest::Approx((std::log(4) + std::log(4. / 3)) / 2));
  task.class_weights = {1, 3};
  CHECK(value(loss_of(logits, samples, task), 0) == doctest::Approx((std::log(4) + 3 * std::log(4. / 3)) / 4));
}

TEST_CASE("an image without a valid pixel has no loss, and does not count in the batch's") {
  const Task task = task_of(TaskType::depth, LossType::l1, 1);
  const std::vector<Sample> samples = {map_sample(1, {1, NAN}, {1, 0}), map_sample(1, {NAN, NAN}, {0, 0}),
                                       map_sample(1, {2, 3}, {1, 1})};
  const Tensor prediction = at::tensor({3., 9., 9., 9., 3., 3.}, at::kDouble).view({3, 1, 1, 2}).requires_grad_(true);
  const PerImage losses = loss_of(prediction, samples, task);
  CHECK(losses.present == std::vector<bool>{true, false, true});
  CHECK(value(losses, 0) == 2);
  CHECK(value(losses, 1) == 0);
  CHECK(value(losses, 2) == 0.5);
  const Tensor batch = batch_loss(losses);
  CHECK(batch.item<double>() == 1.25);
  const Tensor gradient = torch::autograd::grad({batch}, {prediction})[0].flatten();
  CHECK(at::equal(gradient, at::tensor({0.5, 0., 0., 0., 0.25, 0.}, at::kDouble)));
}

TEST_CASE("a batch without any valid pixel has no loss at all") {
  const Task task = task_of(TaskType::segmentation, LossType::ce, 2);
  const PerImage losses = loss_of(at::zeros({1, 2, 1, 2}), {map_sample(1, {-1, -1}, {0, 0})}, task);
  CHECK_FALSE(batch_loss(losses).defined());
  Task weighted = task;
  weighted.class_weights = {1, 0};  // only pixels of a class that counts nothing
  CHECK_FALSE(batch_loss(loss_of(at::zeros({1, 2, 1, 1}), {map_sample(1, {1}, {1})}, weighted)).defined());
}

TEST_CASE("berhu: linear up to a fifth of the image's largest error, quadratic beyond; the fifth is held constant") {
  const Task task = task_of(TaskType::depth, LossType::berhu, 1);
  // Errors 0.5 and 5 (c = 1): 0.5 and (25 + 1) / 2 = 13. The invalid error of 100 does not set c.
  const std::vector<Sample> samples = {map_sample(1, {0, 0, 0}, {1, 1, 0})};
  const Tensor prediction = at::tensor({0.5, -5., 100.}, at::kDouble).view({1, 1, 1, 3}).requires_grad_(true);
  const PerImage losses = loss_of(prediction, samples, task);
  CHECK(value(losses, 0) == doctest::Approx(6.75));
  const Tensor gradient = torch::autograd::grad({losses.loss.sum()}, {prediction})[0].flatten();
  CHECK(at::allclose(gradient, at::tensor({0.5, -2.5, 0.}, at::kDouble)));
  const PerImage exact = loss_of(at::zeros({1, 1, 1, 3}, at::kDouble).requires_grad_(true), samples, task);
  CHECK(value(exact, 0) == 0);
}

TEST_CASE("cosine: one minus the mean cosine of prediction and normal, whatever their lengths") {
  const Task task = task_of(TaskType::normal, LossType::cosine, 3);
  // Pixel 0: (3,4,0) against (1,0,0): cosine 0.6. Pixel 1: opposite. Pixel 2 undefined.
  const std::vector<Sample> samples = {map_sample(3, {1, 0, 0, 0, 2, 0, 0, 0, 0}, {1, 1, 0})};
  const Tensor prediction = at::tensor({3., 0., 1., 4., -7., 1., 0., 0., 1.}, at::kDouble).view({1, 3, 1, 3});
  CHECK(value(loss_of(prediction, samples, task), 0) == doctest::Approx(1 - (0.6 - 1) / 2));
  const Tensor zero = at::zeros({1, 3, 1, 3}, at::kDouble).requires_grad_(true);
  const PerImage losses = loss_of(zero, samples, task);
  CHECK(value(losses, 0) == 1);
  CHECK(at::isfinite(torch::autograd::grad({losses.loss.sum()}, {zero})[0]).all().item<bool>());
}

TEST_CASE("mse and bce are means over valid elements") {
  Task task = task_of(TaskType::regression, LossType::mse, 3);
  const std::vector<Sample> numbers = {sample_of({3, 0, 0, {1, 2, NAN}, {1, 1, 0}})};
  const Tensor prediction = at::tensor({2., 5., 7.}, at::kDouble).view({1, 3});
  CHECK(value(loss_of(prediction, numbers, task), 0) == 5);
  task = task_of(TaskType::edge, LossType::bce, 1);
  const Tensor logits = at::tensor({0., std::log(3)}, at::kDouble).view({1, 1, 1, 2});
  CHECK(value(loss_of(logits, {map_sample(1, {1, 0}, {1, 1})}, task), 0) == doctest::Approx((std::log(2) + std::log(4)) / 2));
}

TEST_CASE("classification: one class an image") {
  const Task task = task_of(TaskType::classification, LossType::ce, 2);
  const std::vector<Sample> samples = {sample_of({1, 0, 0, {1}, {1}}), sample_of({1, 0, 0, {-1}, {0}})};
  const Tensor logits = at::tensor({0., std::log(3), 5., 1.}, at::kDouble).view({2, 2});
  const PerImage losses = loss_of(logits, samples, task);
  CHECK(losses.present == std::vector<bool>{true, false});
  CHECK(value(losses, 0) == doctest::Approx(std::log(4. / 3)));
}

TEST_CASE("sizes that differ: the prediction is resized bilinearly, or the label taken at the nearest pixel") {
  Task task = task_of(TaskType::depth, LossType::l1, 1);
  const std::vector<Sample> samples = {map_sample(1, {0, 4, 8, 8}, {1, 1, 1, 0})};
  const Tensor prediction = at::tensor({0., 8.}, at::kDouble).view({1, 1, 1, 2});
  // Bilinear, corners not aligned: 0, 2, 6, 8 against 0, 4, 8.
  CHECK(value(loss_of(prediction, samples, task), 0) == doctest::Approx(4. / 3));
  task.resize = ResizeRule::label_nearest;  // labels 0 and 2 of the four: 0, 8
  CHECK(value(loss_of(prediction, samples, task), 0) == 0);
}

TEST_CASE("an output of the wrong channels is refused with both sizes") {
  const Task task = task_of(TaskType::segmentation, LossType::ce, 3);
  CHECK_THROWS_WITH_AS(loss_of(at::zeros({1, 2, 1, 2}), {map_sample(1, {0, 1}, {1, 1})}, task),
                       "output of task t: expected [1, 3, height, width], found [1, 2, 1, 2]", Error);
}

TEST_CASE("preprocessing: range, mean and deviation, channel order") {
  InputSpec input;
  input.lo = -1;
  input.mean = {0.1, 0.2, 0.3};
  input.std = {1, 2, 4};
  input.order = "BGR";
  const Tensor image = at::tensor({0., 0.5, 1.}, at::kDouble).view({1, 3, 1, 1});  // R, G, B
  const Tensor out = preprocess(image, input).flatten();
  // -1 + 2u: R -1, G 0, B 1; blue comes first.
  CHECK(at::allclose(out, at::tensor({0.9, -0.1, -1.3 / 4}, at::kDouble)));
  CHECK_THROWS_AS((void)preprocess(at::zeros({1, 1, 2, 2}), input), Error);
}

}  // namespace
}  // namespace tenfold::mtl
