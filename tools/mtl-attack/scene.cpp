#include "mtl-attack/scene.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "cli/torch_part.h"
#include "mtl-attack/quantise.h"
#include "mtl-attack/torch_part.h"
#include "mtl/model.h"
#include "mtl/sample.h"

namespace tenfold::mtl_attack {
namespace {

namespace fs = std::filesystem;

// The tasks as the options or the model's own file name them, before the network is opened.
mtl::TaskFile tasks_of(const std::string& model, const std::string& tasks) {
  mtl::TaskFile carried;
  if (model.starts_with("embedded:") || model.ends_with(".mtg.json")) {
    if (model.starts_with("embedded:") && model != mtl::kSampleModel)
      usage_error(model + ": no such model in the program; there is " + mtl::kSampleModel);
    mtl::Model graph = model == mtl::kSampleModel ? mtl::sample_model() : mtl::read_mtg(model);
    if (tasks.empty() && !graph.tasks) usage_error(model + ": the model does not say what its outputs are; give --tasks FILE");
    if (graph.tasks) carried = *graph.tasks;
    if (!carried.input) carried.input = graph.input;
  } else if (model.ends_with(".json") && tasks.empty()) {
    const Json json = Json::parse(read_file(model), nullptr, false);
    if (!json.is_object())
      input_error(model + ": no model; expected {\"arch\": ..., \"layout\": ..., \"tasks\": FILE, \"weights\": FILE}");
    if (!json.contains("tasks") || !json["tasks"].is_string()) usage_error(model + ": names no tasks; give --tasks FILE");
    return mtl::read_tasks(fs::path(model).parent_path() / json["tasks"].get<std::string>());
  } else if (tasks.empty()) {
    (void)read_file(model);  // a file that is missing is said first
    usage_error(model + ": the model does not say what its outputs are; give --tasks FILE");
  }
  if (tasks.empty()) return carried;
  mtl::TaskFile file = mtl::read_tasks(tasks);
  if (!file.input) file.input = carried.input;
  return file;
}

std::array<std::int64_t, 2> image_size(const mtl::DataSet& data) {
  std::string reason;
  for (std::size_t i = 0; i < data.size(); ++i) {
    try {
      const mtl::Sample sample = data.load(i);
      return {sample.image.height, sample.image.width};
    } catch (const Error& error) {
      if (reason.empty()) reason = error.what();
    }
  }
  input_error(data.spec() + ": no image can be used; the first: " + reason);
}

}  // namespace

void refuse_cuda(const std::string& device) {
  if (device.starts_with("cuda")) usage_error("--device " + device + ": mtl-attack runs on the CPU; leave --device out");
}

std::shared_ptr<const Victim> open_victim(const std::string& model, const VictimOptions& options, const mtl::DataSet& data) {
  const auto [height, width] = image_size(data);
  // The network's code lives in the module, which stays loaded.
  const auto part = cli::open_torch_part<TorchPart>("mtl-attack");
  return part->open({model, options.tasks, options.lower}, height, width);
}

Scene open_scene(const std::string& model, const VictimOptions& options) {
  const mtl::TaskFile file = tasks_of(model, options.tasks);
  Scene scene;
  scene.data = mtl::open_data(options.data, file.tasks, file.input.value_or(mtl::InputSpec()), "test");
  if (scene.data->size() == 0) input_error(options.data + ": no images");
  scene.victim = open_victim(model, options, *scene.data);
  scene.tasks = names_of(scene.victim->tasks());
  return scene;
}

Prepared prepare(const mtl::DataSet& data, std::size_t index, bool floats) {
  Prepared out{data.load(index), {}};
  out.bytes = to_bytes(out.sample.image.values);
  if (!floats) out.sample.image.values = from_bytes(out.bytes);
  return out;
}

void check_gradients(const Scene& scene) {
  std::vector<bool> seen(scene.tasks.size(), false);
  for (std::size_t i = 0; i < scene.data->size() && std::find(seen.begin(), seen.end(), false) != seen.end() && i < 32; ++i) {
    try {
      const mtl::Sample sample = scene.data->load(i);
      bool more = false;
      for (std::size_t t = 0; t < seen.size(); ++t) {
        more = more || (!seen[t] && sample.labels[t].any_valid());
        seen[t] = seen[t] || sample.labels[t].any_valid();
      }
      if (more) scene.victim->check_gradients(sample);
    } catch (const Error& error) {
      if (std::string(error.what()).starts_with("task ")) throw;  // the network's fault, not the item's
    }
  }
}

}  // namespace tenfold::mtl_attack
