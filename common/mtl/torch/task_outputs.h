// Which of a network's outputs a task reads, and whether it has the form that the task asks for.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mtl/tasks.h"
#include "mtl/tensor.h"

namespace tenfold::mtl {

// The index of the output that the task names; a number counts them. Throws Error input with the outputs there are.
int find_output(const std::vector<std::string>& outputs, const Task& task);

// Throws Error input with expected and found sizes: [N, channels, h, w] for maps, else [N, channels]. A task of one channel may
// have its output without that dimension: [N, h, w], [N].
void check_output(const Task& task, const std::string& output, const Shape& shape);

// An output of `images` images that check_output accepts, with the channel where it is left out; squeeze() leaves out the 1 of
// a single image as well.
at::Tensor with_channels(const at::Tensor& output, const Task& task, std::int64_t images);

}  // namespace tenfold::mtl
