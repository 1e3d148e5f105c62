// What a network's outputs mean: tasks.json with its input convention, and the tasks with their losses.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/json.h"

namespace tenfold::data {
class JsonValue;
}

namespace tenfold::mtl {

// Images are RGB u in [0, 1]; channel c of the model's input is (lo + u (hi - lo) - mean_c) / std_c in channel order `order`.
struct InputSpec {
  double lo = 0, hi = 1;
  std::string order = "RGB";                 // RGB, BGR or L (one channel)
  std::vector<double> mean{0, 0, 0}, std{1, 1, 1};  // in that order
  std::optional<std::array<std::int64_t, 2>> size;  // H, W that images (bilinear) and labels (nearest) are brought to

  int channels() const { return order == "L" ? 1 : 3; }
};

enum class TaskType : std::uint8_t { segmentation, depth, keypoint, edge, normal, classification, regression };
enum class LossType : std::uint8_t { ce, l1, mse, bce, berhu, cosine };
enum class ResizeRule : std::uint8_t { pred_bilinear, label_nearest };

std::string_view name_of(TaskType type);
std::string_view name_of(LossType type);

struct Task {
  std::string name;
  std::string output;       // a name, a field, or an index ("0")
  TaskType type = TaskType::segmentation;
  int channels = 1;         // classes K, 1 for maps, 3 for normals, D for regression ("classes" or "dims" in the file)
  LossType loss = LossType::ce;
  std::optional<double> ignore;         // label value that is not valid; -1 for classes unless given
  std::vector<double> class_weights;    // K of them, or empty
  double weight = 1;                    // in the total loss
  ResizeRule resize = ResizeRule::pred_bilinear;

  bool is_map() const { return type != TaskType::classification && type != TaskType::regression; }
};

struct TaskFile {
  std::optional<InputSpec> input;  // absent: the model's own (an MTG's `input`), else the default
  std::vector<Task> tasks;         // at least one, names unique
};

// Throws Error usage (exit 2) `FILE:LINE:COL: ...`: duplicate names, unknown loss, type or key (with the nearest), a loss that
// does not go with the type, weights of the wrong length.
TaskFile read_tasks(const std::filesystem::path& path);
TaskFile parse_tasks(std::string_view json, const std::string& file);
InputSpec parse_input(const data::JsonValue& input, const std::string& file);  // Error input
Json to_json(const InputSpec& input);
Json to_json(const TaskFile& file);

// The index of the named task. Throws Error usage, suggesting the nearest.
int find_task(const std::vector<Task>& tasks, std::string_view name);

}  // namespace tenfold::mtl
