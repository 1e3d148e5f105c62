#include "mtl-prune/torch/source.h"

#include "base/error.h"
#include "base/files.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_prune {
namespace {

constexpr std::int64_t kHeight = 96, kWidth = 128;  // where nobody names a size

bool is_script(const std::string& path) { return path.ends_with(".pt") || path.ends_with(".pth") || path.ends_with(".pt2"); }

// The tasks before the model itself: data and image size follow from them.
std::optional<mtl::TaskFile> tasks_of(const ModelOptions& options) {
  if (!options.tasks.empty()) return mtl::read_tasks(options.tasks);
  if (is_script(options.model)) return std::nullopt;
  if (options.model.ends_with(".mtg.json")) {
    mtl::Model model = mtl::read_mtg(options.model);
    if (!model.tasks) return std::nullopt;
    if (!model.tasks->input) model.tasks->input = model.input;
    return model.tasks;
  }
  const mtl::TaskModel model = mtl::load_task_model({options.model, ""}, kHeight, kWidth);
  return mtl::TaskFile{model.input, model.tasks};
}

// Every output by itself, for models of which nobody said more.
mtl::TaskModel without_tasks(mtl::Model model) {
  mtl::TaskModel result;
  result.input = model.input.value_or(mtl::InputSpec());
  result.model = std::move(model);
  if (mtl::image_channels(result.model) == 1) result.input = {.order = "L", .mean = {0}, .std = {1}, .size = {}};
  return result;
}

}  // namespace

mtl::TaskModel read_model(const std::string& path, const std::string& tasks, std::int64_t height, std::int64_t width,
                          std::shared_ptr<mtl::ScriptModule>* script) {
  if (is_script(path)) {
    auto module = std::make_shared<mtl::ScriptModule>(mtl::ScriptModule::load(path));
    const std::optional<mtl::TaskFile> file = tasks.empty() ? std::nullopt : std::optional(mtl::read_tasks(tasks));
    const std::int64_t channels = file && file->input ? file->input->channels() : 3;
    mtl::Model lowered = module->lower(channels, height, width);
    mtl::TaskModel model =
        file ? mtl::with_tasks(std::move(lowered), tasks, path, height, width) : without_tasks(std::move(lowered));
    model.from_torchscript = true;
    if (script != nullptr) *script = std::move(module);
    return model;
  }
  if (path.ends_with(".mtg.json")) {
    mtl::Model model = mtl::read_mtg(path);
    if (tasks.empty() && !model.tasks) return without_tasks(std::move(model));
    return mtl::with_tasks(std::move(model), tasks, path, height, width);
  }
  return mtl::load_task_model({path, tasks}, height, width);
}

Source make_source(std::string name, mtl::TaskModel model, std::int64_t height, std::int64_t width) {
  Source source;
  source.name = std::move(name);
  source.model = std::move(model);
  source.height = height;
  source.width = width;
  source.shapes = mtl::infer_shapes(source.model.model, {1, source.channels(), height, width});
  source.units = find_units(source.model.model, source.shapes, source.model.output_of_task);
  source.cost = mtl::cost(source.model.model, height, width);
  return source;
}

Source open_source(const ModelOptions& options, const DataOptions* data) {
  const std::optional<mtl::TaskFile> tasks = tasks_of(options);
  const mtl::InputSpec input = tasks && tasks->input ? *tasks->input : mtl::InputSpec();
  std::string spec = data == nullptr ? "" : data->data;
  if (data != nullptr && spec.empty() && options.model == kEmbeddedModel) spec = kDefaultData;
  std::unique_ptr<mtl::DataSet> train, test;
  if (!spec.empty()) {
    if (!tasks) usage_error("--data needs to know what the outputs of " + options.model + " mean; give --tasks FILE");
    train = mtl::open_data(spec, tasks->tasks, input, "train");
    test = mtl::open_data(spec, tasks->tasks, input, "test");
  }
  std::pair<std::int64_t, std::int64_t> size = {kHeight, kWidth};
  if (!options.size.empty()) {
    size = parse_size(options.size);
  } else if (input.size) {
    size = {(*input.size)[0], (*input.size)[1]};
  } else if (train) {
    size = mtl::image_size(*train);
  }
  std::shared_ptr<mtl::ScriptModule> script;
  mtl::TaskModel model = read_model(options.model, options.tasks, size.first, size.second, &script);
  Source source = make_source(options.model, std::move(model), size.first, size.second);
  source.script = std::move(script);
  source.train = std::move(train);
  source.test = std::move(test);
  return source;
}

}  // namespace tenfold::mtl_prune
