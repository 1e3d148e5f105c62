#include "mtl/tasks.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/suggest.h"
#include "mtl/tasks_json.h"

namespace tenfold::mtl {
namespace {

const std::vector<std::string> kTypes = {"segmentation", "depth", "keypoint", "edge", "normal", "classification", "regression"};
const std::vector<std::string> kLosses = {"ce", "l1", "mse", "bce", "berhu", "cosine"};
const std::vector<std::string> kResizes = {"pred-bilinear", "label-nearest"};

template <class Enum>
Enum read_enum(const StrictJson& json, const data::JsonValue& value, const char* what, const std::vector<std::string>& names) {
  const std::string& name = json.text(value, what);
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    const std::string near = nearest(name, names);
    std::string all;
    for (const std::string& one : names) all += (all.empty() ? "" : ", ") + one;
    json.fail(value,
              std::string("unknown ") + what + " " + name + (near.empty() ? "; one of " + all : "; did you mean " + near + "?"));
  }
  return static_cast<Enum>(found - names.begin());
}

bool has_classes(TaskType type) { return type == TaskType::segmentation || type == TaskType::classification; }

// The losses that mean something for a type; the first is the default.
std::vector<LossType> losses_of(TaskType type) {
  switch (type) {
    case TaskType::segmentation:
    case TaskType::classification: return {LossType::ce};
    case TaskType::normal: return {LossType::cosine, LossType::l1, LossType::mse};
    case TaskType::regression: return {LossType::mse, LossType::l1, LossType::bce, LossType::berhu};
    case TaskType::depth: return {LossType::l1, LossType::mse, LossType::berhu};
    case TaskType::keypoint:
    case TaskType::edge: return {LossType::l1, LossType::mse, LossType::bce, LossType::berhu};
  }
  return {};
}

const data::JsonValue* present(const data::JsonValue& object, std::string_view key) {
  const data::JsonValue* found = object.find(key);
  return found != nullptr && found->kind != data::JsonKind::null ? found : nullptr;
}

void read_channels(const StrictJson& json, const data::JsonValue& value, Task& task) {
  const data::JsonValue* classes = present(value, "classes");
  const data::JsonValue* dims = present(value, "dims");
  if (classes != nullptr && !has_classes(task.type))
    json.fail(*classes, "classes: " + std::string(name_of(task.type)) + " has none");
  if (dims != nullptr && task.type != TaskType::regression) json.fail(*dims, "dims: regression alone has them");
  const data::JsonValue* given = classes != nullptr ? classes : dims;
  if (given != nullptr) {
    const std::int64_t count = json.integer(*given, classes != nullptr ? "classes" : "dims");
    const int least = has_classes(task.type) ? 2 : 1;
    if (count < least || count > 65535)
      json.fail(*given,
                (classes != nullptr ? "classes" : "dims") + std::string(" is not in [") + std::to_string(least) + ", 65535]");
    task.channels = static_cast<int>(count);
  } else if (has_classes(task.type)) {
    json.fail(value, "task " + task.name + " needs \"classes\", the channels of its output");
  } else {
    task.channels = task.type == TaskType::normal ? 3 : 1;
  }
}

void read_loss(const StrictJson& json, const data::JsonValue& value, Task& task) {
  const std::vector<LossType> fitting = losses_of(task.type);
  task.loss = fitting.front();
  if (const data::JsonValue* loss = present(value, "loss")) {
    task.loss = read_enum<LossType>(json, *loss, "loss", kLosses);
    if (std::ranges::find(fitting, task.loss) == fitting.end()) {
      std::string all;
      for (const LossType one : fitting) all += (all.empty() ? "" : ", ") + std::string(name_of(one));
      json.fail(*loss, "loss " + std::string(name_of(task.loss)) + " does not go with " + std::string(name_of(task.type)) +
                           ", which takes " + all);
    }
  }
  if (const data::JsonValue* weights = present(value, "class_weights")) {
    if (!has_classes(task.type)) json.fail(*weights, "class_weights: " + std::string(name_of(task.type)) + " has no classes");
    task.class_weights = json.numbers(*weights, "class_weights");
    if (static_cast<int>(task.class_weights.size()) != task.channels)
      json.fail(*weights, "class_weights holds " + std::to_string(task.class_weights.size()) + " numbers for " +
                              std::to_string(task.channels) + " classes");
    for (const double weight : task.class_weights)
      if (weight < 0) json.fail(*weights, "class_weights holds a negative number");
  }
  if (const data::JsonValue* weight = present(value, "weight")) {
    task.weight = json.number(*weight, "weight");
    if (task.weight < 0) json.fail(*weight, "weight is negative");
  }
}

Task read_task(const StrictJson& json, const data::JsonValue& value) {
  json.object(value, "a task",
              {"name", "output", "type", "classes", "dims", "loss", "ignore", "class_weights", "weight", "resize"});
  Task task;
  task.name = json.text(json.member(value, "a task", "name"), "name");
  task.output = task.name;
  if (const data::JsonValue* output = present(value, "output")) {
    if (output->is_number())
      task.output = std::to_string(json.integer(*output, "output"));
    else
      task.output = json.text(*output, "output");
  }
  task.type = read_enum<TaskType>(json, json.member(value, "task " + task.name, "type"), "type", kTypes);
  read_channels(json, value, task);
  read_loss(json, value, task);
  if (has_classes(task.type)) task.ignore = -1;
  if (const data::JsonValue* ignore = value.find("ignore")) {
    task.ignore.reset();
    if (ignore->kind != data::JsonKind::null) task.ignore = json.number(*ignore, "ignore");
  }
  if (const data::JsonValue* resize = present(value, "resize")) {
    if (!task.is_map()) json.fail(*resize, "resize: " + std::string(name_of(task.type)) + " is no map");
    task.resize = read_enum<ResizeRule>(json, *resize, "resize", kResizes);
  }
  return task;
}

}  // namespace

std::string_view name_of(TaskType type) { return kTypes.at(static_cast<std::size_t>(type)); }
std::string_view name_of(LossType type) { return kLosses.at(static_cast<std::size_t>(type)); }

InputSpec read_input(const StrictJson& json, const data::JsonValue& value) {
  json.object(value, "input", {"range", "order", "mean", "std", "size"});
  InputSpec input;
  if (const data::JsonValue* range = present(value, "range")) {
    const std::vector<double> ends = json.numbers(*range, "range");
    if (ends.size() != 2 || !(ends[0] < ends[1])) json.fail(*range, "range is not [low, high] with low < high");
    input.lo = ends[0];
    input.hi = ends[1];
  }
  if (const data::JsonValue* order = present(value, "order")) {
    input.order = json.text(*order, "order");
    if (input.order != "RGB" && input.order != "BGR" && input.order != "L") json.fail(*order, "order is none of RGB, BGR, L");
  }
  const auto channels = static_cast<std::size_t>(input.channels());
  input.mean.assign(channels, 0);
  input.std.assign(channels, 1);
  for (const char* key : {"mean", "std"}) {
    const data::JsonValue* given = present(value, key);
    if (given == nullptr) continue;
    const bool is_std = std::string_view(key) == "std";
    std::vector<double>& numbers = is_std ? input.std : input.mean;
    numbers = json.numbers(*given, key);
    if (numbers.size() != channels)
      json.fail(*given, std::string(key) + " holds " + std::to_string(numbers.size()) + " numbers for " +
                            std::to_string(channels) + (channels == 1 ? " channel" : " channels"));
    if (is_std && std::ranges::any_of(numbers, [](double v) { return v <= 0; })) json.fail(*given, "std is not positive");
  }
  if (const data::JsonValue* size = present(value, "size")) {
    const bool two = size->is_array() && size->array().size() == 2;
    if (!two) json.fail(*size, "size is not [height, width]");
    input.size.emplace();
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int64_t side = json.integer(size->array()[i], "size");
      if (side < 1 || side > 65536) json.fail(size->array()[i], "size is not in [1, 65536]");
      (*input.size)[i] = side;
    }
  }
  return input;
}

TaskFile read_task_file(const StrictJson& json, const data::JsonValue& value) {
  json.object(value, "the task file", {"input", "tasks"});
  TaskFile file;
  if (const data::JsonValue* input = present(value, "input")) file.input = read_input(json, *input);
  const data::JsonValue& tasks = json.member(value, "the task file", "tasks");
  if (!tasks.is_array() || tasks.array().empty()) json.fail(tasks, "tasks is not a list of at least one task");
  if (tasks.array().size() > 64) json.fail(tasks, "more than 64 tasks");
  std::set<std::string> names;
  for (const data::JsonValue& task : tasks.array()) {
    file.tasks.push_back(read_task(json, task));
    if (!names.insert(file.tasks.back().name).second) json.fail(task, "two tasks are named " + file.tasks.back().name);
  }
  return file;
}

TaskFile parse_tasks(std::string_view text, const std::string& file) {
  try {
    return read_task_file({file, ExitCode::usage}, data::parse_json(text, file));
  } catch (const Error& error) {
    usage_error(error.message());  // broken syntax is the configuration's fault too
  }
}

TaskFile read_tasks(const std::filesystem::path& path) { return parse_tasks(read_file(path), path.string()); }

InputSpec parse_input(const data::JsonValue& input, const std::string& file) {
  return read_input({file, ExitCode::input}, input);
}

Json to_json(const InputSpec& input) {
  Json json = {
      {"range", {input.lo, input.hi}}, {"order", input.order}, {"mean", input.mean}, {"std", input.std}, {"size", nullptr}};
  if (input.size) json["size"] = {(*input.size)[0], (*input.size)[1]};
  return json;
}

Json to_json(const TaskFile& file) {
  Json json = Json::object();
  if (file.input) json["input"] = to_json(*file.input);
  json["tasks"] = Json::array();
  for (const Task& task : file.tasks) {
    Json one = {{"name", task.name}, {"output", task.output}, {"type", name_of(task.type)}};
    if (has_classes(task.type)) one["classes"] = task.channels;
    if (task.type == TaskType::regression) one["dims"] = task.channels;
    one["loss"] = name_of(task.loss);
    one["ignore"] = task.ignore ? Json(*task.ignore) : Json(nullptr);
    if (has_classes(task.type)) one["class_weights"] = task.class_weights.empty() ? Json(nullptr) : Json(task.class_weights);
    one["weight"] = task.weight;
    if (task.is_map()) one["resize"] = kResizes.at(static_cast<std::size_t>(task.resize));
    json["tasks"].push_back(std::move(one));
  }
  return json;
}

int find_task(const std::vector<Task>& tasks, std::string_view name) {
  std::vector<std::string> names;
  for (const Task& task : tasks) names.push_back(task.name);
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<int>(found - names.begin());
  std::string all;
  for (const std::string& one : names) all += (all.empty() ? "" : ", ") + one;
  const std::string near = nearest(std::string(name), names);
  usage_error("no task " + std::string(name) + (near.empty() ? "; the tasks are " + all : "; did you mean " + near + "?"));
}

}  // namespace tenfold::mtl
