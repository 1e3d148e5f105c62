#include "mtl/torch/losses.h"

#include <cstring>

#include "base/error.h"
#include "mtl/torch/task_outputs.h"

namespace tenfold::mtl {
namespace {

constexpr double kLeastNorm = 1e-12;
constexpr std::int64_t kNoClass = -100;

std::string sizes_text(at::IntArrayRef sizes) {
  std::string text = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

bool of_classes(const Task& task) { return task.type == TaskType::segmentation || task.type == TaskType::classification; }

at::Tensor per_channel(const std::vector<double>& values, const at::Tensor& like) {
  return at::tensor(values, at::kDouble).to(like.scalar_type()).view({1, -1, 1, 1});
}

// A label's mask over what `values` [N, C, ...] holds.
at::Tensor over_channels(const at::Tensor& valid, const at::Tensor& values) {
  return valid.dim() == values.dim() ? valid : valid.unsqueeze(1).expand_as(values);
}

at::Tensor nearest(const at::Tensor& values, std::int64_t height, std::int64_t width) {
  const bool flat = values.dim() == 3;
  const at::Tensor maps = (flat ? values.unsqueeze(1) : values).to(at::kDouble);
  const at::Tensor resized = at::upsample_nearest2d(maps, {height, width}).to(values.scalar_type());
  return flat ? resized.squeeze(1) : resized;
}

// Sum over all but the first dimension.
at::Tensor per_image(const at::Tensor& values) { return values.flatten(1).sum(1); }

// What a loss adds up in each image, and what it is divided by; nothing counts where `weight` is 0.
struct Sums {
  at::Tensor value, weight;  // [N]
};

Sums masked(const at::Tensor& element_loss, const at::Tensor& valid) {
  return {per_image(at::where(valid, element_loss, at::zeros({}, element_loss.options()))),
          per_image(valid.to(element_loss.scalar_type()))};
}

Sums cross_entropy(const at::Tensor& logits, const LabelBatch& labels, const Task& task) {
  at::Tensor weight;
  if (!task.class_weights.empty()) weight = at::tensor(task.class_weights, at::kDouble).to(logits.scalar_type());
  const at::Tensor classes = at::where(labels.valid, labels.values, at::full({}, kNoClass, labels.values.options()));
  const at::Tensor nll = at::nll_loss_nd(at::log_softmax(logits, 1), classes, weight, at::Reduction::None, kNoClass);
  const at::Tensor counted = weight.defined() ? weight.index_select(0, labels.values.flatten()).view_as(labels.values)
                                              : at::ones(labels.values.sizes(), logits.options().requires_grad(false));
  return {per_image(nll.unsqueeze(1)), per_image((counted * labels.valid).unsqueeze(1))};
}

// Classes as 0/1 channels: K of them, or the label itself where there is one.
at::Tensor as_channels(const at::Tensor& classes, const at::Tensor& logits) {
  if (logits.size(1) == 1) return classes.unsqueeze(1).to(logits.scalar_type());
  return at::zeros(logits.sizes(), logits.options().requires_grad(false)).scatter_(1, classes.unsqueeze(1), 1);
}

Sums element_wise(const at::Tensor& prediction, const LabelBatch& labels, const Task& task) {
  const at::Tensor target =
      of_classes(task) ? as_channels(labels.values, prediction) : labels.values.to(prediction.scalar_type());
  const at::Tensor valid = over_channels(labels.valid, target);
  switch (task.loss) {
    case LossType::bce:
      return masked(at::binary_cross_entropy_with_logits(prediction, target, {}, {}, at::Reduction::None), valid);
    case LossType::mse: return masked((prediction - target).square(), valid);
    case LossType::berhu: {
      const at::Tensor error = (prediction - target).abs();
      const at::Tensor counted = at::where(valid, error.detach(), at::zeros({}, error.options()));
      at::Tensor c = 0.2 * counted.flatten(1).amax(1);
      while (c.dim() < error.dim()) c = c.unsqueeze(-1);
      return masked(at::where(error <= c, error, (error.square() + c.square()) / (2 * c.clamp_min(kLeastNorm))), valid);
    }
    default: return masked((prediction - target).abs(), valid);
  }
}

// max(norm, 1e-12) along the channels, as the root of a clamped square: its gradient is 0 and not NaN for a vector of zeros.
at::Tensor length(const at::Tensor& vectors) { return vectors.square().sum(1).clamp_min(kLeastNorm * kLeastNorm).sqrt(); }

Sums angular(const at::Tensor& prediction, const LabelBatch& labels) {
  const at::Tensor normal = labels.values.to(prediction.scalar_type());
  return masked(1 - (prediction * normal).sum(1) / (length(prediction) * length(normal)), labels.valid);
}

void check_prediction(const at::Tensor& prediction, const LabelBatch& labels, const Task& task) {
  const std::int64_t dims = task.is_map() ? 4 : 2, images = labels.values.size(0);
  if (prediction.dim() == dims && prediction.size(0) == images && prediction.size(1) == task.channels) return;
  input_error("output of task " + task.name + ": expected [" + std::to_string(images) + ", " + std::to_string(task.channels) +
              (task.is_map() ? ", height, width]" : "]") + ", found " + sizes_text(prediction.sizes()));
}

}  // namespace

at::Tensor preprocess(const at::Tensor& images, const InputSpec& input) {
  if (images.size(1) != input.channels())
    input_error("images of " + std::to_string(images.size(1)) + " channels where the model takes " +
                std::to_string(input.channels()) + " (" + input.order + ")");
  const at::Tensor ordered = input.order == "BGR" ? images.flip(1) : images;
  // (lo + u (hi - lo) - mean) / std as one product and one sum.
  std::vector<double> slope, offset;
  for (std::size_t c = 0; c < static_cast<std::size_t>(input.channels()); ++c) {
    slope.push_back((input.hi - input.lo) / input.std[c]);
    offset.push_back((input.lo - input.mean[c]) / input.std[c]);
  }
  return ordered * per_channel(slope, images) + per_channel(offset, images);
}

at::Tensor image_tensor(const Image& image) {
  return at::from_blob(const_cast<float*>(image.values.data()), {image.channels, image.height, image.width}, at::kFloat).clone();
}

at::Tensor batch_images(const std::vector<const Sample*>& samples) {
  const Image& first = samples.at(0)->image;
  const auto count = static_cast<std::int64_t>(samples.size());
  at::Tensor batch = at::empty({count, first.channels, first.height, first.width}, at::kFloat);
  float* out = batch.mutable_data_ptr<float>();
  for (const Sample* sample : samples) {
    const Image& image = sample->image;
    if (image.channels != first.channels || image.height != first.height || image.width != first.width)
      input_error("images of one batch differ in size: " + samples[0]->id + " and " + sample->id +
                  "; give input.size in tasks.json, or a batch of 1");
    out = std::copy(image.values.begin(), image.values.end(), out);
  }
  return batch;
}

LabelBatch batch_labels(const std::vector<const Sample*>& samples, int task, const Task& spec) {
  const Label& first = samples.at(0)->labels.at(static_cast<std::size_t>(task));
  const auto count = static_cast<std::int64_t>(samples.size());
  const auto values_each = static_cast<std::int64_t>(first.values.size());
  const auto valid_each = static_cast<std::int64_t>(first.valid.size());
  at::Tensor values = at::empty({count, values_each}, at::kFloat), valid = at::empty({count, valid_each}, at::kBool);
  for (std::int64_t i = 0; i < count; ++i) {
    const Label& label = samples[static_cast<std::size_t>(i)]->labels.at(static_cast<std::size_t>(task));
    if (label.channels != first.channels || label.height != first.height || label.width != first.width ||
        label.values.size() != first.values.size())
      input_error("labels of task " + spec.name + " differ in size within one batch: " + samples[0]->id + " and " +
                  samples[static_cast<std::size_t>(i)]->id);
    std::copy(label.values.begin(), label.values.end(), values.mutable_data_ptr<float>() + i * values_each);
    std::copy(label.valid.begin(), label.valid.end(), valid.mutable_data_ptr<bool>() + i * valid_each);
  }
  if (spec.is_map()) {
    values = values.view({count, first.channels, first.height, first.width});
    valid = valid.view({count, first.height, first.width});
  }
  values = at::where(over_channels(valid, values), values, at::zeros({}, values.options()));
  if (of_classes(spec)) {
    values = values.select(1, 0).to(at::kLong);
    if (spec.type == TaskType::classification) valid = valid.select(1, 0);
  }
  return {values.contiguous(), valid.contiguous()};
}

PerImage per_image_loss(const at::Tensor& prediction, const LabelBatch& labels, const Task& task) {
  at::Tensor output = with_channels(prediction, task, labels.values.size(0));
  check_prediction(output, labels, task);
  LabelBatch target = labels;
  if (task.is_map()) {
    const std::int64_t height = labels.valid.size(1), width = labels.valid.size(2);
    const bool differ = output.size(2) != height || output.size(3) != width;
    if (differ && task.resize == ResizeRule::pred_bilinear) {
      output = at::upsample_bilinear2d(output, {height, width}, /*align_corners=*/false);
    } else if (differ) {
      target = {nearest(labels.values, output.size(2), output.size(3)), nearest(labels.valid, output.size(2), output.size(3))};
    }
  }
  const Sums sums = task.loss == LossType::ce       ? cross_entropy(output, target, task)
                    : task.loss == LossType::cosine ? angular(output, target)
                                                    : element_wise(output, target, task);
  const at::Tensor there = sums.weight > 0;
  PerImage losses;
  losses.loss = at::where(there, sums.value, at::zeros({}, sums.value.options())) /
                at::where(there, sums.weight, at::ones({}, sums.weight.options()));
  const at::Tensor flags = there.contiguous();
  losses.present.assign(flags.const_data_ptr<bool>(), flags.const_data_ptr<bool>() + flags.numel());
  return losses;
}

at::Tensor batch_loss(const PerImage& losses) {
  std::int64_t images = 0;
  for (const bool present : losses.present) images += present ? 1 : 0;
  return images == 0 ? at::Tensor() : losses.loss.sum() / images;
}

}  // namespace tenfold::mtl
