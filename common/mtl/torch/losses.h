// Losses as one number per image, the mean over its valid pixels (section 11.5 of the specification): a loss without a valid
// pixel is absent, which is a flag and never a number. Also the way of images and labels into tensors.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "mtl/dataset.h"
#include "mtl/tasks.h"

namespace tenfold::mtl {

// [N, C, H, W] in the model's convention from u in [0, 1] [N, 3 or 1, H, W]; differentiable. Throws Error input where the
// images have not the channels that the convention asks for.
at::Tensor preprocess(const at::Tensor& images, const InputSpec& input);
at::Tensor image_tensor(const Image& image);                          // [C, H, W] float32, u in [0, 1]
at::Tensor batch_images(const std::vector<const Sample*>& samples);   // [N, C, H, W]; sizes must agree (Error input)

struct LabelBatch {
  at::Tensor values;  // maps [N, channels, H, W] (classes [N, H, W] int64), else [N, D] or [N] int64; 0 where not valid
  at::Tensor valid;   // bool: maps [N, H, W], else as values
};
LabelBatch batch_labels(const std::vector<const Sample*>& samples, int task, const Task& spec);

struct PerImage {
  at::Tensor loss;             // [N]; 0 with no gradient where absent
  std::vector<bool> present;   // [N]
};

// prediction as the network gave it: maps [N, K, h, w]; resized as the task says. Throws Error input with expected and found
// sizes.
PerImage per_image_loss(const at::Tensor& prediction, const LabelBatch& labels, const Task& task);

// Mean over the images that have one; undefined tensor where none has.
at::Tensor batch_loss(const PerImage& losses);

}  // namespace tenfold::mtl
