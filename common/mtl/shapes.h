// Sizes without running: every node's shape for an image size, and what follows from them: multiply-adds, bytes of activations.
#pragma once

#include <cstdint>
#include <vector>

#include "mtl/model.h"

namespace tenfold::mtl {

// shapes[i] is nodes[i]'s result for an image [batch, channels, height, width]. Throws Error input `node ID (SOURCE): ...` with
// the sizes that do not go together.
std::vector<Shape> infer_shapes(const Model& model, const Shape& image);

// The channels of the image that the first consumers ask for: 1 or 3 (3 where none does).
std::int64_t image_channels(const Model& model);

// Multiply-adds of convolutions and linear layers for this batch; bias, norms and activations do not count.
std::int64_t node_macs(const Model& model, int node, const std::vector<Shape>& shapes);

struct Cost {
  std::int64_t params = 0;       // elements of parameters, without running statistics
  std::int64_t macs = 0;         // for one image
  std::int64_t trunk_params = 0, trunk_macs = 0;  // of what reaches two or more outputs
  std::vector<std::int64_t> head_params, head_macs;  // of what reaches one output alone, by Graph::outputs
  std::int64_t weight_bytes = 0;           // all tensors as float32
  std::int64_t peak_activation_bytes = 0;  // results alive at once in node order, freed after their last reader, float32
};

Cost cost(const Model& model, std::int64_t height, std::int64_t width);

// Running statistics are buffers, all else is a parameter.
bool is_buffer(const Graph& graph, const std::string& parameter);

}  // namespace tenfold::mtl
