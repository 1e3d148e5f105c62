#include "mtl/torch/network.h"

#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "mtl/architectures.h"
#include "mtl/sample.h"
#include "mtl/shapes.h"
#include "mtl/torch/executor.h"
#include "mtl/torch/losses.h"
#include "mtl/torch/script_network.h"
#include "mtl/torch/task_outputs.h"

namespace tenfold::mtl {
namespace {

namespace fs = std::filesystem;

bool is_script(const fs::path& path) {
  const std::string ending = path.extension().string();
  return ending == ".pt" || ending == ".pth" || ending == ".ts" || ending == ".torchscript" || ending == ".pt2";
}

bool ends_with(const fs::path& path, const char* suffix) { return path.string().ends_with(suffix); }

// {"arch": ..., "layout": ..., "widths": [...], "tasks": "tasks.json", "weights": "w.safetensors"}; paths relative to the file.
Model read_architecture(const fs::path& path, const std::string& tasks_path) {
  const Json json = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("arch") || !json.contains("weights"))
    input_error(path.string() + R"(: no model; expected {"arch": ..., "layout": ..., "tasks": FILE, "weights": FILE})");
  const auto text = [&](const char* key, const std::string& fallback) {
    if (!json.contains(key)) return fallback;
    if (!json[key].is_string()) input_error(path.string() + ": " + key + " is not a string");
    return json[key].get<std::string>();
  };
  for (const auto& [key, value] : json.items())
    if (key != "arch" && key != "layout" && key != "widths" && key != "tasks" && key != "weights")
      input_error(path.string() + ": unknown key " + key);
  ArchitectureSpec spec{.arch = text("arch", ""), .layout = text("layout", "shared"), .widths = {}};
  if (json.contains("widths")) {
    try {
      spec.widths = json["widths"].get<std::vector<std::int64_t>>();
    } catch (const nlohmann::json::exception&) {
      input_error(path.string() + ": widths is not a list of integers");
    }
  }
  const std::string tasks =
      tasks_path.empty() && json.contains("tasks") ? (path.parent_path() / text("tasks", "")).string() : tasks_path;
  if (tasks.empty()) usage_error(path.string() + ": the model has as many heads as tasks; give --tasks FILE");
  const TaskFile file = read_tasks(tasks);
  Model model = build(spec, file, /*seed=*/0);
  Weights stored = read_weights(path.parent_path() / text("weights", ""));
  for (auto& [name, tensor] : model.weights) {
    const auto found = stored.find(name);
    if (found == stored.end()) input_error(text("weights", "") + ": no tensor " + name + ", which " + spec.arch + " has");
    if (found->second.shape != tensor.shape)
      input_error(text("weights", "") + ": " + name + " has another shape than " + spec.arch);
    tensor = std::move(found->second);
  }
  model.input = file.input;
  model.tasks = file;
  return model;
}

std::vector<std::string> output_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Output& output : graph.outputs) names.push_back(output.name);
  return names;
}

void check_channels(const TaskModel& model, std::int64_t height, std::int64_t width) {
  const std::vector<Shape> shapes = infer_shapes(model.model, {2, model.input.channels(), height, width});
  for (std::size_t t = 0; t < model.tasks.size(); ++t) {
    const Output& output = model.model.graph.outputs[static_cast<std::size_t>(model.output_of_task[t])];
    check_output(model.tasks[t], output.name, shapes[static_cast<std::size_t>(output.node)]);
  }
}

class GraphNetwork final : public Network {
 public:
  explicit GraphNetwork(const TaskModel& model)
      : executor_(model.model), tasks_(model.tasks), input_(model.input), output_of_task_(model.output_of_task) {
    for (const auto& [name, tensor] : model.model.weights)
      if (!is_buffer(model.model.graph, name)) parameters_ += elements(tensor.shape);
  }

  std::vector<at::Tensor> outputs(const at::Tensor& images) const override {
    const std::vector<at::Tensor> results = executor_.run(preprocess(images, input_));
    std::vector<at::Tensor> by_task;
    for (std::size_t t = 0; t < tasks_.size(); ++t)
      by_task.push_back(with_channels(results[static_cast<std::size_t>(output_of_task_[t])], tasks_[t], images.size(0)));
    return by_task;
  }
  const std::vector<Task>& tasks() const override { return tasks_; }
  const InputSpec& input() const override { return input_; }
  std::string weights_sha256() const override {
    std::call_once(hashed_, [this] { sha256_ = mtl::weights_sha256(executor_.host_weights()); });
    return sha256_;
  }
  std::int64_t parameters() const override { return parameters_; }

 private:
  Executor executor_;
  std::vector<Task> tasks_;
  InputSpec input_;
  std::vector<int> output_of_task_;
  std::int64_t parameters_ = 0;
  mutable std::once_flag hashed_;
  mutable std::string sha256_;
};

}  // namespace

TaskModel with_tasks(Model model, const std::string& tasks_path, const std::string& name, std::int64_t height,
                     std::int64_t width) {
  TaskModel out;
  out.model = std::move(model);
  if (tasks_path.empty() && !out.model.tasks)
    usage_error(name + ": the model does not say what its outputs are; give --tasks FILE");
  const TaskFile file = tasks_path.empty() ? *out.model.tasks : read_tasks(tasks_path);
  out.tasks = file.tasks;
  out.input = file.input ? *file.input : out.model.input.value_or(InputSpec());
  for (const Task& task : out.tasks) out.output_of_task.push_back(find_output(output_names(out.model.graph), task));
  check_channels(out, height, width);
  return out;
}

TaskModel load_task_model(const ModelFile& file, std::int64_t height, std::int64_t width) {
  const std::string name = file.path.string();
  if (name == kSampleModel) return with_tasks(sample_model(), file.tasks_path, name, height, width);
  if (ends_with(file.path, ".mtg.json")) return with_tasks(read_mtg(file.path), file.tasks_path, name, height, width);
  if (ends_with(file.path, ".json"))
    return with_tasks(read_architecture(file.path, file.tasks_path), file.tasks_path, name, height, width);
  if (is_script(file.path)) {
    ScriptModule script = ScriptModule::load(file.path);
    return lower_script(script, file, height, width);
  }
  input_error(name + ": no model file; NAME.mtg.json, NAME.pt (TorchScript) or NAME.json is expected");
}

std::unique_ptr<Network> load_network(const ModelFile& file, bool lower, std::int64_t height, std::int64_t width) {
  if (is_script(file.path) && !lower) return load_script_network(file, height, width);
  return make_network(load_task_model(file, height, width));
}

std::unique_ptr<Network> make_network(const TaskModel& model) { return std::make_unique<GraphNetwork>(model); }

}  // namespace tenfold::mtl
