#include "mtl/torch/augment.h"

#include <ATen/ATen.h>

#include <array>

#include "base/error.h"

namespace tenfold::mtl {
namespace {

struct Crop {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
  bool mirrored = false;
};

// [C, H, W] -> the crop at full size.
at::Tensor crop(const at::Tensor& map, const Crop& c, bool bilinear) {
  const at::Tensor part = map.slice(1, c.top, c.top + c.height).slice(2, c.left, c.left + c.width).unsqueeze(0);
  const std::vector<std::int64_t> size{map.size(1), map.size(2)};
  const at::Tensor whole =
      bilinear ? at::upsample_bilinear2d(part, size, /*align_corners=*/true) : at::upsample_nearest2d(part, size);
  return (c.mirrored ? whole.flip(3) : whole).squeeze(0).contiguous();
}

at::Tensor view(std::vector<float>& values, int channels, int height, int width) {
  return at::from_blob(values.data(), {channels, height, width}, at::kFloat);
}

void replace(std::vector<float>& values, const at::Tensor& by) {
  values.assign(by.const_data_ptr<float>(), by.const_data_ptr<float>() + by.numel());
}

void crop_label(Label& label, const Task& task, const Crop& c, double scale) {
  at::Tensor valid = at::from_blob(label.valid.data(), {1, label.height, label.width}, at::kByte);
  at::Tensor values = view(label.values, label.channels, label.height, label.width);
  if (task.type == TaskType::normal) values = at::where(valid.to(at::kBool), values, at::zeros({}, values.options()));
  values = crop(values, c, task.type == TaskType::normal);
  valid = crop(valid.to(at::kFloat), c, false).to(at::kByte);
  if (task.type == TaskType::depth) values.div_(scale);
  if (task.type == TaskType::normal && c.mirrored) values[0].neg_();
  replace(label.values, values);
  label.valid.assign(valid.const_data_ptr<std::uint8_t>(), valid.const_data_ptr<std::uint8_t>() + valid.numel());
}

}  // namespace

Sample augment(const Sample& sample, const std::vector<Task>& tasks, PhiloxStream& random) {
  static constexpr std::array<double, 3> kScales{1.0, 1.2, 1.5};
  Sample out = sample;
  const double scale = kScales[random.below(kScales.size())];
  Crop c;
  c.height = static_cast<std::int64_t>(out.image.height / scale);
  c.width = static_cast<std::int64_t>(out.image.width / scale);
  c.top = random.below(static_cast<std::uint32_t>(out.image.height - c.height + 1));
  c.left = random.below(static_cast<std::uint32_t>(out.image.width - c.width + 1));
  c.mirrored = random.below(2) == 1;
  replace(out.image.values, crop(view(out.image.values, out.image.channels, out.image.height, out.image.width), c, true));
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    if (!tasks[t].is_map()) continue;
    if (out.labels[t].height != out.image.height || out.labels[t].width != out.image.width)
      input_error(sample.id + ": --augment needs labels of the image's size; task " + tasks[t].name + " has another");
    crop_label(out.labels[t], tasks[t], c, scale);
  }
  return out;
}

}  // namespace tenfold::mtl
