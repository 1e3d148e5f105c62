// Which of a network's outputs a task reads, and whether it has the form that the task asks for.
#pragma once

#include <string>
#include <vector>

#include "mtl/tasks.h"
#include "mtl/tensor.h"

namespace tenfold::mtl {

// The index of the output that the task names; a number counts them. Throws Error input with the outputs there are.
int find_output(const std::vector<std::string>& outputs, const Task& task);

// Throws Error input with expected and found sizes: [N, channels, h, w] for maps, else [N, channels].
void check_output(const Task& task, const std::string& output, const Shape& shape);

}  // namespace tenfold::mtl
