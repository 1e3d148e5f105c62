// A model as the tools take it: whatever file it came from, image in, one tensor per task out.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mtl/model.h"
#include "mtl/tasks.h"

namespace tenfold::mtl {

class Network {
 public:
  virtual ~Network() = default;
  // images [N, C, H, W] with u in [0, 1]; preprocessing is part of the network. One tensor per task, in the tasks' order.
  // Differentiable in the images; weights are frozen, mode is eval. Callable from several threads.
  virtual std::vector<at::Tensor> outputs(const at::Tensor& images) const = 0;
  virtual const std::vector<Task>& tasks() const = 0;
  virtual const InputSpec& input() const = 0;
  virtual std::string weights_sha256() const = 0;
  virtual std::int64_t parameters() const = 0;
};

struct ModelFile {
  // NAME.mtg.json, NAME.pt (TorchScript), NAME.json {"arch": ..., "layout": ..., "weights": ...}, or embedded:rooms_shared.
  std::filesystem::path path;
  std::string tasks_path;  // "": those the model carries
};

// The lowered graph of any input, with the tasks it is to be read by. For TorchScript this lowers at `height` x `width`.
// Throws Error: usage for tasks.json, input for the model.
struct TaskModel {
  Model model;
  std::vector<Task> tasks;
  InputSpec input;
  std::vector<int> output_of_task;  // index into Graph::outputs
  bool from_torchscript = false;
};
// The model with the tasks of the file, or those that it carries (tasks_path ""), each with its output. Throws Error: usage for
// tasks.json, input for an output that is missing or has the wrong channels at this image size.
TaskModel with_tasks(Model model, const std::string& tasks_path, const std::string& name, std::int64_t height,
                     std::int64_t width);
TaskModel load_task_model(const ModelFile& file, std::int64_t height, std::int64_t width);

// For attacks: TorchScript runs natively unless `lower`.
std::unique_ptr<Network> load_network(const ModelFile& file, bool lower, std::int64_t height, std::int64_t width);
std::unique_ptr<Network> make_network(const TaskModel& model);

}  // namespace tenfold::mtl
