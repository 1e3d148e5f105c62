#include "mtl/tensor.h"

namespace tenfold::mtl {

std::int64_t elements(const Shape& shape) {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

}  // namespace tenfold::mtl
