// The result's shape of one node, as ATen has it.
#pragma once

#include <vector>

#include "mtl/model.h"

namespace tenfold::mtl {

// shapes holds those of the nodes before. Throws Error input `node ID (SOURCE): ...` with the sizes that do not go together.
Shape shape_of_node(const Model& model, int node, const std::vector<Shape>& shapes);

std::string to_text(const Shape& shape);  // "[2, 3, 96, 128]"

}  // namespace tenfold::mtl
