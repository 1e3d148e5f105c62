// Weights on the host: named float32 tensors, row-major. Halves are widened when read; float64 is rounded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tenfold::mtl {

using Shape = std::vector<std::int64_t>;

std::int64_t elements(const Shape& shape);  // product; 1 for a scalar

struct Tensor {
  Shape shape;
  std::vector<float> values;
};

// By name, so that every walk over them has one order.
using Weights = std::map<std::string, Tensor>;

// SHA-256 over (name, dtype, shape, bytes) in the order of the names.
std::string weights_sha256(const Weights& weights);

// The slices `keep` (ascending) of dimension `dim`.
Tensor select(const Tensor& tensor, int dim, const std::vector<std::int64_t>& keep);

}  // namespace tenfold::mtl
