#include "mtl-prune/torch/training.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "mtl/torch/tensor_file.h"

namespace tenfold::mtl_prune {

std::unique_ptr<mtl::DataSet> validation_split(const Source& source, const DataOptions& options, cli::Run& run) {
  const std::string spec = options.data.empty() ? kDefaultData : options.data;
  try {
    return mtl::open_data(spec, source.model.tasks, source.model.input, "val");
  } catch (const Error& error) {
    if (!spec.starts_with("folder:")) throw;
    run.warn(spec + " has no split val; its test split takes its place: " + error.message());
    return mtl::open_data(spec, source.model.tasks, source.model.input, "test");
  }
}

mtl::OptimiserState keep_of(const mtl::OptimiserState& state, const std::vector<KeptIndices>& kept) {
  mtl::OptimiserState out;
  out.step = state.step;
  for (const auto& [name, moments] : state.moments) {
    for (const at::Tensor& moment : moments) {
      const at::Tensor flat = moment.contiguous();
      const float* values = flat.const_data_ptr<float>();
      const mtl::Tensor small = mtl_prune::keep_of(mtl::Tensor{flat.sizes().vec(), {values, values + flat.numel()}}, name, kept);
      out.moments[name].push_back(at::tensor(small.values, at::kFloat).view(small.shape));
    }
  }
  return out;
}

std::string graph_text(const mtl::TaskModel& model) { return mtl::mtg_json(model.model); }

mtl::TaskModel restored_model(const mtl::TaskModel& like, const std::string& graph, const std::string& trainer_bytes) {
  mtl::TaskModel model = like;
  mtl::Weights weights;
  for (const auto& [name, tensor] : mtl::read_tensor_file(trainer_bytes, "checkpoint")) {
    if (!name.starts_with("weight/")) continue;
    const float* values = tensor.const_data_ptr<float>();
    weights.emplace(name.substr(7), mtl::Tensor{tensor.sizes().vec(), {values, values + tensor.numel()}});
  }
  const mtl::Model read = mtl::parse_mtg(graph, "checkpoint", std::move(weights));
  model.model.graph = read.graph;
  model.model.weights = read.weights;
  return model;
}

Json metrics_json(const mtl::Evaluation& evaluation, const std::vector<mtl::Task>& tasks) {
  Json json = Json::object();
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    json[tasks[t].name] = Json::object();
    for (const mtl::MetricValue& metric : evaluation.metrics[t])
      json[tasks[t].name][metric.name] = metric.defined ? Json(metric.value) : Json(nullptr);
  }
  return json;
}

}  // namespace tenfold::mtl_prune
