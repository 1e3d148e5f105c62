// latency: models in turn, in one process, on the same images.
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "mtl-prune/torch/certificate.h"
#include "mtl-prune/torch/jobs.h"
#include "mtl-prune/torch/timing.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_prune {
namespace {

struct Contender {
  std::string name;
  mtl::TaskModel model;  // the graph; of TorchScript only where layers are asked for
  std::shared_ptr<mtl::ScriptModule> script;
};

Contender load(const std::string& path, const LatencyOptions& options, std::int64_t height, std::int64_t width) {
  Contender contender{.name = path, .model = {}, .script = nullptr};
  if (path.ends_with(".pt") && !options.per_layer) {
    contender.script = std::make_shared<mtl::ScriptModule>(mtl::ScriptModule::load(path));
    if (!options.tasks.empty()) contender.model.input = mtl::read_tasks(options.tasks).input.value_or(mtl::InputSpec());
    return contender;
  }
  contender.model = read_model(path, options.tasks, height, width, &contender.script);
  return contender;
}

Forward contender_forward(const Contender& contender, std::int64_t batch, std::int64_t height, std::int64_t width) {
  const std::int64_t channels = contender.model.input.channels();
  if (!contender.script) return forward_of(contender.model.model, batch, channels, height, width);
  const at::Tensor images = noise_images(batch, channels, height, width, 1);
  return [script = contender.script, images] {
    const c10::InferenceMode no_grad;
    script->run(images);
  };
}

std::vector<std::int64_t> batches(const std::vector<std::string>& words) {
  std::vector<std::int64_t> sizes;
  for (const std::string& word : words) {
    std::int64_t size = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), size);
    if (error != std::errc{} || end != word.data() + word.size() || size < 1 || size > 65536)
      usage_error("--batch " + word + " is no number of images from 1 to 65536");
    sizes.push_back(size);
  }
  return sizes;
}

}  // namespace

Json latency_job(const LatencyOptions& options, cli::Run& run) {
  mtl::set_up_training();
  const std::vector<std::int64_t> sizes = batches(options.runs.batch);
  const auto [height, width] = options.size.empty() ? std::pair<std::int64_t, std::int64_t>{96, 128} : parse_size(options.size);
  std::vector<Contender> contenders;
  for (const std::string& path : options.models) contenders.push_back(load(path, options, height, width));
  Json models = Json::array(), comparisons = Json::array();
  for (const Contender& contender : contenders)
    models.push_back(
        {{"file", contender.name}, {"runs_as", contender.script ? "torchscript" : "graph"}, {"timings", Json::array()}});
  for (const std::int64_t batch : sizes) {
    std::vector<Forward> forwards;
    for (const Contender& contender : contenders) forwards.push_back(contender_forward(contender, batch, height, width));
    const std::vector<Timings> timings = time_interleaved(forwards, options.runs.runs, run.threads(), run);
    for (std::size_t m = 0; m < contenders.size(); ++m) {
      Json row = {{"batch", batch}};
      row.update(to_json(timings[m]));
      models[m]["timings"].push_back(row);
      if (m == 0) continue;
      const SpeedRatio ratio = compare_speed(timings[0].wall_s, timings[m].wall_s, run.seed());
      comparisons.push_back({{"a", contenders[0].name},
                             {"b", contenders[m].name},
                             {"batch", batch},
                             {"ratio", ratio.ratio},
                             {"ratio_ci", {ratio.interval.low, ratio.interval.high}},
                             {"n", options.runs.runs},
                             {"verdict", verdict(ratio)}});
    }
  }
  Json layers = nullptr;
  if (options.per_layer) {
    layers = Json::array();
    for (const Contender& contender : contenders)
      for (const NodeTime& time : time_nodes(contender.model.model, sizes.front(), contender.model.input.channels(), height,
                                             width, options.runs.runs, run.threads()))
        layers.push_back({{"model", contender.name}, {"node", time.node}, {"op", time.op}, {"median_s", time.median_s}});
  }
  return {{"size", {height, width}},
          {"threads", run.threads()},
          {"models", models},
          {"comparisons", comparisons},
          {"per_layer", layers}};
}

}  // namespace tenfold::mtl_prune
