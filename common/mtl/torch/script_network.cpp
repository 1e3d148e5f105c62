#include "mtl/torch/script_network.h"

#include "base/error.h"
#include "mtl/torch/losses.h"
#include "mtl/torch/task_outputs.h"

namespace tenfold::mtl {
namespace {

TaskFile tasks_of(const ModelFile& file) {
  if (file.tasks_path.empty())
    usage_error(file.path.string() + ": a TorchScript module does not say what its outputs are; give --tasks FILE");
  return read_tasks(file.tasks_path);
}

class ScriptNetwork final : public Network {
 public:
  ScriptNetwork(ScriptModule module, const TaskFile& file, std::int64_t height, std::int64_t width)
      : module_(std::move(module)), tasks_(file.tasks), input_(file.input.value_or(InputSpec{})) {
    const at::NoGradGuard no_gradients;
    const auto outputs = module_.run(preprocess(at::full({2, input_.channels(), height, width}, 0.5F), input_));
    std::vector<std::string> names;
    for (const auto& [name, tensor] : outputs) names.push_back(name);
    for (const Task& task : tasks_) {
      const int index = find_output(names, task);
      check_output(task, names[static_cast<std::size_t>(index)], outputs[static_cast<std::size_t>(index)].second.sizes().vec());
      output_of_task_.push_back(index);
    }
  }

  std::vector<at::Tensor> outputs(const at::Tensor& images) const override {
    const auto results = module_.run(preprocess(images, input_));
    std::vector<at::Tensor> by_task;
    for (std::size_t t = 0; t < tasks_.size(); ++t)
      by_task.push_back(
          with_channels(results.at(static_cast<std::size_t>(output_of_task_[t])).second, tasks_[t], images.size(0)));
    return by_task;
  }
  const std::vector<Task>& tasks() const override { return tasks_; }
  const InputSpec& input() const override { return input_; }
  std::string weights_sha256() const override { return module_.weights_sha256(); }
  std::int64_t parameters() const override { return module_.parameters(); }

 private:
  ScriptModule module_;
  std::vector<Task> tasks_;
  InputSpec input_;
  std::vector<int> output_of_task_;
};

}  // namespace

std::unique_ptr<Network> load_script_network(const ModelFile& file, std::int64_t height, std::int64_t width) {
  const TaskFile tasks = tasks_of(file);
  return std::make_unique<ScriptNetwork>(ScriptModule::load(file.path), tasks, height, width);
}

TaskModel lower_script(ScriptModule& script, const ModelFile& file, std::int64_t height, std::int64_t width) {
  const TaskFile tasks = tasks_of(file);
  Model model = script.lower(tasks.input.value_or(InputSpec{}).channels(), height, width);
  model.input = tasks.input;
  model.tasks = tasks;
  TaskModel lowered = with_tasks(std::move(model), file.tasks_path, file.path.string(), height, width);
  lowered.from_torchscript = true;
  return lowered;
}

}  // namespace tenfold::mtl
