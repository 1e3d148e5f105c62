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
  if (shape.size() == (task.is_map() ? 4U : 2U) && shape[1] == task.channels) return;
  std::string found = "[N";
  for (std::size_t i = 1; i < shape.size(); ++i) found += ", " + std::to_string(shape[i]);
  input_error("task " + task.name + ": expected [N, " + std::to_string(task.channels) + (task.is_map() ? ", h, w]" : "]") +
              " at output " + output + ", found " + found + "]");
}

}  // namespace tenfold::mtl
