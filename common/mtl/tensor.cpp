#include "mtl/tensor.h"

#include <cstring>
#include <span>

#include "base/error.h"
#include "base/sha256.h"

namespace tenfold::mtl {

std::int64_t elements(const Shape& shape) {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

std::string weights_sha256(const Weights& weights) {
  Sha256 hash;
  for (const auto& [name, tensor] : weights) {
    // Each part is closed by a zero byte, so that no two lists of tensors feed the same bytes.
    std::string head = name;
    head += '\0';
    head += "F32";
    head += '\0';
    for (const std::int64_t size : tensor.shape) head += std::to_string(size) + ',';
    head += '\0';
    hash.update(head);
    hash.update(std::as_bytes(std::span<const float>(tensor.values)));
  }
  return hash.hex();
}

Tensor select(const Tensor& tensor, int dim, const std::vector<std::int64_t>& keep) {
  if (dim < 0 || dim >= static_cast<int>(tensor.shape.size())) machine_error("select: no dimension " + std::to_string(dim));
  const auto axis = static_cast<std::size_t>(dim);
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= tensor.shape[i];
  for (std::size_t i = axis + 1; i < tensor.shape.size(); ++i) inner *= tensor.shape[i];
  const std::int64_t size = tensor.shape[axis];
  Tensor kept;
  kept.shape = tensor.shape;
  kept.shape[axis] = static_cast<std::int64_t>(keep.size());
  kept.values.reserve(static_cast<std::size_t>(elements(kept.shape)));
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const std::int64_t k : keep) {
      if (k < 0 || k >= size) machine_error("select: index " + std::to_string(k) + " of " + std::to_string(size));
      const auto begin = tensor.values.begin() + (o * size + k) * inner;
      kept.values.insert(kept.values.end(), begin, begin + inner);
    }
  }
  return kept;
}

}  // namespace tenfold::mtl
