#include "mtl/torch/task_outputs.h"

#include <algorithm>

#include "base/error.h"

namespace tenfold::mtl {

int find_output(const std::vector<std::string>& outputs, const Task& task) {
  const auto named = std::ranges::find(outputs, task.output);
  if (named != outputs.end()) return static_cast<int>(named - outputs.begin());
  const bool index = !task.output.empty() && task.output.find_first_not_of("0123456789") == std::string::npos;
  if (index && task.output.size() < 3 && std::stoul(task.output) < outputs.size()) return std::stoi(task.output);
  std::string found;
  for (const std::string& output : outputs) found += (found.empty() ? "" : ", ") + output;
  input_error("task " + task.name + ": the model has no output " + task.output + "; it has " + found);
}

void check_output(const Task& task, const std::string& output, const Shape& shape) {
  const std::size_t dimensions = task.is_map() ? 4 : 2;
  if (shape.size() == dimensions && shape[1] == task.channels) return;
  if (shape.size() == dimensions - 1 && task.channels == 1) return;
  std::string found = "[N";
  for (std::size_t i = 1; i < shape.size(); ++i) found += ", " + std::to_string(shape[i]);
  input_error("task " + task.name + ": expected [N, " + std::to_string(task.channels) + (task.is_map() ? ", h, w]" : "]") +
              " at output " + output + ", found " + found + "]");
}

at::Tensor with_channels(const at::Tensor& output, const Task& task, std::int64_t images) {
  const std::int64_t dimensions = task.is_map() ? 4 : 2, least = dimensions - (images == 1 ? 2 : 1);
  if (task.channels != 1 || output.dim() >= dimensions || output.dim() < least) return output;
  if (!task.is_map()) return output.numel() == images ? output.reshape({images, 1}) : output;
  const std::int64_t height = output.size(-2), width = output.size(-1);
  return output.numel() == images * height * width ? output.reshape({images, 1, height, width}) : output;
}

}  // namespace tenfold::mtl
